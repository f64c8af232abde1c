// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What a session is called outside of the gate: a keyed digest of its identifier, the same on all replicas. It opens nothing.
package struct SessionName: Hashable, Sendable, Comparable, CustomStringConvertible {
    private let value: UInt64

    /// 16 hexadecimal digits in lower case.
    package var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, 16 - digits.utf8.count)) + digits
    }

    package init?(_ text: String) {
        let isPlain = text.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }
        guard text.utf8.count == 16, isPlain, let value = UInt64(text, radix: 16) else { return nil }
        self.value = value
    }

    package static func < (left: SessionName, right: SessionName) -> Bool { left.value < right.value }

    fileprivate init(digest: [UInt8]) {
        value = digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Names sessions.
struct SessionNaming {
    private let key: HMACKey

    /// - Parameter secret: that seals sessions, which all replicas have.
    init(secret: [UInt8]) {
        key = HMACKey(
            HKDF.sha256(
                secret: secret, salt: [], info: Array("sidegate session name, version 1".utf8), length: 32
            ).span, .sha256)
    }

    func name(of id: [UInt8]) -> SessionName { SessionName(digest: key.authenticationCode(for: id.span)) }
}

/// That a session was used, for the list of those who are signed in.
package struct SessionSighting: Sendable {
    package let name: SessionName
    /// The session's identifier.
    package let id: [UInt8]
    package let user: String
    /// The name of the identity provider; empty while there is a single one.
    package let provider: String
    /// Seconds since 1970.
    package let signedInAt: Double
    package let seenAt: Double
    /// The client's address, empty where it is not known; nil: no request showed it.
    package let client: String?
    /// A short name; nil: no request showed it.
    package let browser: String?
    /// By which it can be ended.
    package let subjects: [[UInt8]]

    package init(
        name: SessionName, id: [UInt8], user: String, provider: String, signedInAt: Double, seenAt: Double,
        client: String?, browser: String?, subjects: [[UInt8]]
    ) {
        self.name = name
        self.id = id
        self.user = user
        self.provider = provider
        self.signedInAt = signedInAt
        self.seenAt = seenAt
        self.client = client
        self.browser = browser
        self.subjects = subjects
    }
}
