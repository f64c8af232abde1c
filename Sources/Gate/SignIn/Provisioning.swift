// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JWT

/// One call of `provisioning.url`.
package struct ProvisioningCall: Sendable, Equatable {
    /// The user, for the logs.
    package let user: String
    /// Identifies the user where first sign-ins are remembered: SHA-256.
    package let userKey: [UInt8]
    /// Identifies this call in every attempt: the same user with the same fields, hexadecimal.
    package let idempotencyKey: String
    /// JSON: the fields.
    package let body: [UInt8]
    package let requestID: String

    package init(user: String, userKey: [UInt8], idempotencyKey: String, body: [UInt8], requestID: String) {
        self.user = user
        self.userKey = userKey
        self.idempotencyKey = idempotencyKey
        self.body = body
        self.requestID = requestID
    }
}

/// The app's answer about a user.
package enum ProvisioningVerdict: Sendable, Equatable {
    case agreed
    /// 402, 403 or 409.
    case noSeat
    /// No answer, or none that can be understood, after the retry too.
    case failed
}

extension ProvisioningCall {
    /// The call for a user who signs in: the fields, under the gate's names.
    init(_ fields: UserAttributes, of provider: String, requestID: String) {
        let user = fields.user
        let body = JSONValue.object(fields.document).serialized()
        var text: [UInt8] = []
        text.appendCounted(user.utf8)
        text.append(contentsOf: body)
        // Users of two providers are two users.
        var identifier: [UInt8] = []
        if !provider.isEmpty { identifier.appendCounted(provider.utf8) }
        identifier.append(contentsOf: user.utf8)
        self.init(
            user: user, userKey: SHA256.hash(identifier.span),
            idempotencyKey: Hex.encodeToString(SHA256.hash(text.span)), body: body, requestID: requestID)
    }
}
