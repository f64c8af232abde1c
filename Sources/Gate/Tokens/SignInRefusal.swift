// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT
import Pages

/// Why a token signs nobody in.
struct SignInRefusal: Error, CustomStringConvertible {
    let reason: Reason
    /// For the page, where it is known more precisely than by its reason.
    private(set) var cause: RefusalCause?
    /// The user that the token names, if a key signed it. For logs.
    private(set) var user: String?
    /// The cause in words, for logs. Only about a token that a key signed, or that came from the provider itself: clients
    /// write the others as they like.
    private(set) var detail: String?

    var description: String { reason.rawValue }

    init(_ reason: Reason) {
        self.reason = reason
    }

    /// - Parameters:
    ///   - detail: for logs; it holds nothing that a client could choose.
    ///   - cause: for the page; nil: the reason says it all.
    init(_ reason: Reason, detail: String?, cause: RefusalCause?) {
        self.reason = reason
        self.detail = detail
        self.cause = cause
    }

    /// - Parameters:
    ///   - user: that the token names.
    ///   - isOfProvider: the token came from the provider, not from a client.
    init(_ refusal: TokenRefusal, _ user: String?, isOfProvider: Bool = false) {
        reason = refusal.reason
        guard let signed = refusal.signed else {
            if isOfProvider { detail = refusal.words }
            return
        }
        self.user = user
        detail = Self.detail(refusal.words, keyID: signed.keyID)
        if let time = refusal.time, let unit = time.unit { cause = .wrongUnit(claim: time.claim, unit: unit) }
    }

    init(_ refusal: ClaimMapping.Refusal, _ user: String?, _ keyID: String?) {
        reason = refusal.reason
        self.user = user
        cause = .field(refusal.field, refusal.problem)
        detail = Self.detail(refusal.problem.sentence(about: refusal.field), keyID: keyID)
    }

    /// - Parameter words: nil: the reason says it all.
    init(_ reason: Reason, _ words: String?, _ user: String?, _ keyID: String?) {
        self.reason = reason
        self.user = user
        detail = Self.detail(words, keyID: keyID)
    }

    /// The same, with what to do about it.
    func advising(_ fix: String?) -> SignInRefusal {
        guard let fix else { return self }
        var refusal = self
        refusal.detail = [detail, "fix: " + fix].compactMap { $0 }.joined(separator: "; ")
        return refusal
    }

    /// - Parameter words: nil: the reason says it all.
    static func detail(_ words: String?, keyID: String?) -> String? {
        let key = keyID.map { "key ID \($0)" }
        let parts = [words, key].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}
