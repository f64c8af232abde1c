// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Revocations as replicas tell each other of them: sealed, so that who can read the store learns no names, and who can
/// write there can end no sessions.
package struct RevocationCoding: Sendable {
    /// The first seals, all open.
    private let keys: [[UInt8]]

    /// - Parameter secrets: those of sessions, which all replicas have.
    package init(secrets: [[UInt8]]) {
        precondition(!secrets.isEmpty, "a session has at least one secret")
        keys = secrets.map {
            HKDF.sha256(secret: $0, salt: [], info: Self.purpose, length: SealingKey.keyByteCount)
        }
    }

    package func seal(_ revocation: Revocation) -> [UInt8] {
        var text: [UInt8] = [Self.version, revocation.isOfOneSession ? 1 : 0]
        text.appendTime(revocation.revokedAt)
        text.appendTime(revocation.expiresAt)
        text.appendCounted(revocation.user.utf8)
        let subjects = revocation.subjects.prefix(Self.maximumSubjects)
        text.appendNumber(UInt64(subjects.count), bytes: 2)
        for subject in subjects { text.appendCounted(subject) }
        var sealed: [UInt8] = []
        let nonce = Random.bytes(SealingKey.nonceByteCount)
        SealingKey(key: keys[0]).seal(
            text.span, nonce: nonce.span, authenticating: Self.purpose.span, into: &sealed)
        return sealed
    }

    /// Nil for what was not sealed by a replica with the same secrets, or is of another version.
    package func open(_ sealed: [UInt8]) -> Revocation? {
        guard sealed.count <= Self.maximumBytes else { return nil }
        for key in keys {
            var text: [UInt8] = []
            if SealingKey(key: key).open(sealed.span, authenticating: Self.purpose.span, into: &text) {
                return Self.read(text)
            }
        }
        return nil
    }

    private static func read(_ text: [UInt8]) -> Revocation? {
        var reader = SealedReader(text)
        guard reader.byte() == version, let kind = reader.byte(), let revokedAt = reader.time(),
            let expiresAt = reader.time(), let user = reader.counted(), let count = reader.number(bytes: 2)
        else { return nil }
        var subjects: [[UInt8]] = []
        for _ in 0..<count {
            guard let subject = reader.counted() else { return nil }
            subjects.append(subject)
        }
        guard reader.isAtEnd else { return nil }
        return Revocation(
            subjects: subjects, revokedAt: revokedAt, expiresAt: expiresAt, user: String(decoding: user, as: UTF8.self),
            isOfOneSession: kind == 1)
    }

    private static let purpose = Array("sidegate revocation, version 1".utf8)
    private static let version: UInt8 = 1
    private static let maximumSubjects = 1024
    private static let maximumBytes = 1 << 20
}
