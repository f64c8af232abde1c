// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT
import Pages

// Whether somebody who was let in may still be: judged anew for each identity whenever lists or revocations change, and
// until then a comparison of two numbers.
extension Gate {
    /// The verdict of `access` on this user now. A positive result is kept until the policy epoch changes.
    func authorization(of identity: Identity) -> AccessPolicy.Verdict {
        guard identity.authorizedAt != policyEpoch else { return .allowed }
        let verdict = access.verdict(on: identity.fields)
        if verdict == .allowed { identity.authorizedAt = policyEpoch }
        return verdict
    }

    /// What `access` says of somebody who signs in. While nothing is enforced, everyone may: what they ask for is marked
    /// in the log then.
    func signInVerdict(on fields: UserAttributes) -> AccessPolicy.Verdict {
        configuration.access.mode == .observe ? .allowed : access.verdict(on: fields)
    }

    /// Nil when the user is still authorized: forward the request. Revocation has been checked already.
    func reauthorize(
        _ identity: Identity, _ request: borrowing AccessRequest
    ) -> Decision? {
        switch authorization(of: identity) {
        case .allowed: return nil
        case .visitor:
            // The app does not get to see our tokens, not even those of nobody.
            return .forward(identity.isBearer ? Self.anonymousBearer : nil, renewal: nil)
        case .refused(let reason):
            return forbidden(reason, identity, request)
        }
    }

    /// 403 for somebody who is known.
    func forbidden(
        _ reason: ReasonCode, _ identity: Identity, _ request: borrowing AccessRequest
    ) -> Decision {
        if identity.isBearer { return .respond(insufficientBearer(reason, identity, request)) }
        if isGRPC(request) { return .respond(grpcDenied(reason, identity)) }
        var target = ReturnTarget.root
        let isNavigation = NavigationTest.isNavigation(request.head)
        if isNavigation, let known = siteCache(request) {
            target = ReturnTarget(of: request, prefix: known.targetPrefix, origin: known.origin)
        }
        let asJSON = isNavigation ? NavigationTest.prefersJSON(request.head) : !NavigationTest.namesPage(request.head)
        return .respond(
            forbidden(
                reason, identity.fields, asJSON: asJSON, requestID: request.idText,
                returnTo: target))
    }

    /// The session was ended, or began before its user was signed out everywhere.
    func isRevoked(_ identity: Identity) -> Bool {
        guard let session = identity.session else { return false }
        if !endedSessions.isEmpty,
            endedSessions.end([Revocation.subject(session: session.id)], signedInAt: session.signedInAt)
        {
            return true
        }
        guard !revocations.isEmpty else { return false }
        return revocations.end(subjects(of: session.fields), signedInAt: session.signedInAt)
    }

    /// All that a logout token could call this user.
    func subjects(of fields: UserAttributes) -> [[UInt8]] {
        var subjects: [[UInt8]] = []
        for name in subjectFields { subjects += fields[name].map { Revocation.subject($0) } }
        if let email = fields["email"].first { subjects.append(Revocation.subject(email: email)) }
        return subjects
    }

    /// 403: the page names the account and offers another; JSON for whoever does not look at pages.
    func forbidden(
        _ reason: ReasonCode, _ fields: UserAttributes, asJSON: Bool, requestID: String, returnTo target: ReturnTarget,
        isSignIn: Bool = false
    ) -> LocalResponse {
        var switchAccount = Array("/.sidegate/logout?return_to=".utf8)
        switchAccount.appendPercentEncoded(target.bytes)
        var response: LocalResponse
        if asJSON {
            var members: [(String, JSONValue)] = [
                ("error", isSignIn ? "sign_in_refused" : "forbidden"), ("reason", .string(reason.rawValue)),
                ("message", .string(Reason.of(reason.rawValue).happened)), ("account", .string(fields.account)),
            ]
            if !requestID.isEmpty { members.append(("request_id", .string(requestID))) }
            response = json(403, members)
        } else {
            response = page(
                403,
                .notAllowed(
                    code: reason.rawValue, account: fields.account, requestID: requestID,
                    switchAccount: String(decoding: switchAccount, as: UTF8.self)))
        }
        response.decision = "refused"
        response.reason = reason.rawValue
        response.user = fields.user
        return response
    }

    /// RFC 6750 §3.1: the token is good, but not for this.
    private func insufficientBearer(
        _ reason: ReasonCode, _ identity: Identity, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        if isGRPC(request) { return grpcDenied(reason, identity) }
        var response = json(
            403,
            [
                ("error", "insufficient_scope"), ("error_description", .string(reason.rawValue)),
                ("account", .string(identity.fields.account)),
            ])
        response.add(
            "WWW-Authenticate", "Bearer error=\"insufficient_scope\", error_description=\"\(reason.rawValue)\"")
        response.decision = "refused"
        response.reason = reason.rawValue
        response.user = identity.user
        return response
    }

    /// Status 7 is PERMISSION_DENIED.
    func grpcDenied(_ reason: ReasonCode, _ identity: Identity?) -> LocalResponse {
        var response = grpc("7", reason.rawValue)
        response.decision = "refused"
        response.reason = reason.rawValue
        response.user = identity?.user
        return response
    }

    /// Somebody the app knows nothing of, whose token stays here.
    static var anonymousBearer: Identity {
        Identity(fields: UserAttributes(), headerBlock: [], session: nil)
    }
}
