// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Whose sessions an operator ends.
package enum SignOutTarget: Sendable, Equatable {
    /// One session.
    ///
    /// - Parameters:
    ///   - id: its identifier.
    ///   - since: when it began, in seconds since 1970. A replica's clock may be ahead of this one's.
    ///   - user: for the log.
    case session(id: [UInt8], since: Double, user: String)
    /// All of a user, by the name that lists show, or by the e-mail address.
    ///
    /// - Parameter provider: of the users of one identity provider alone; nil: of each.
    case user(String, provider: String?)
    case everyone

    /// The revocation that ends them.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970; what began up to then ends.
    ///   - lifetime: of sessions, in seconds.
    package func revocation(at now: Double, lifetime: Double) -> Revocation {
        switch self {
        case .session(let id, let since, let user):
            var revocation = Revocation(
                subjects: [Revocation.subject(session: id)], revokedAt: max(now, since),
                expiresAt: max(now, since) + lifetime, user: user, isOfOneSession: true)
            revocation.storedSession = id
            return revocation
        case .user(let name, let provider):
            return Revocation(
                subjects: Revocation.subjects(user: name, of: provider), revokedAt: now, expiresAt: now + lifetime,
                user: name)
        case .everyone:
            return Revocation(
                subjects: [Revocation.everyone], revokedAt: now, expiresAt: now + lifetime, user: "")
        }
    }
}

// What an operator names. Only these end bearer tokens too, and no token of a provider can name one of them.
extension Revocation {
    static let everyone = Array("oa:".utf8)

    /// A user as an operator calls it.
    ///
    /// - Parameter provider: nil: that of any provider.
    static func subjects(user: String, of provider: String?) -> [[UInt8]] {
        var subjects = [subject("ou", user.utf8, provider)]
        if let address = DomainName.comparable(email: user) { subjects.append(subject("om", address, provider)) }
        return subjects
    }

    /// All by which an operator can name a user.
    static func operatorSubjects(_ fields: UserAttributes, of provider: String) -> [[UInt8]] {
        var subjects = [everyone]
        for provider in [nil, provider] {
            subjects.append(subject("ou", fields.user.utf8, provider))
            if let email = fields["email"].first {
                let address = DomainName.comparable(email: email) ?? email.utf8.map(lowercased)
                subjects.append(subject("om", address, provider))
            }
        }
        return subjects
    }

    /// It is one of an operator for more than one session.
    var isByOperator: Bool { subjects.contains { $0.first == UInt8(ascii: "o") } }

    private static func subject(_ kind: String, _ text: some Collection<UInt8>, _ provider: String?) -> [UInt8] {
        Array((kind + (provider.map { "@" + $0 } ?? "") + ":").utf8) + Array(text)
    }
}
