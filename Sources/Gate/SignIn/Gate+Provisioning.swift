// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import JWT
import Pages

// The app is told of a user before the session is made, and may say no.
extension Gate {
    /// What the app is told: the fields, under our names.
    func provisioning(_ pending: PendingSignIn) -> PendingProvisioning {
        let body = JSONValue.object(pending.fields.document).serialized()
        var text: [UInt8] = []
        text.appendCounted(pending.user.utf8)
        text.append(contentsOf: body)
        return PendingProvisioning(
            call: ProvisioningCall(
                user: pending.user, userKey: SHA256.hash(Array(pending.user.utf8).span),
                idempotencyKey: Hex.encodeToString(SHA256.hash(text.span)), body: body,
                requestID: pending.requestID),
            pending: pending)
    }

    /// After `.provision`: the answer or the next step, now that the app has spoken. There is no session before it agreed.
    package func finishProvisioning(
        _ pending: PendingProvisioning, _ verdict: ProvisioningVerdict, _ request: borrowing AccessRequest
    ) -> Decision {
        switch verdict {
        case .agreed: signIn(pending.pending, request)
        case .noSeat: .respond(noSeat(pending.pending))
        case .failed: .respond(signInRefused(.provisioningFailed, status: 502, pending.pending))
        }
    }

    private func noSeat(_ pending: PendingSignIn) -> LocalResponse {
        guard !pending.answersJSON else { return signInRefused(.seatLimitReached, status: 403, pending) }
        var response = page(
            403,
            .noSeat(
                account: pending.fields.account, requestID: pending.requestID,
                tryAgain: Self.loginPath(pending.target)))
        response.decision = "refused"
        response.reason = ReasonCode.seatLimitReached.rawValue
        response.user = pending.user
        return response
    }
}
