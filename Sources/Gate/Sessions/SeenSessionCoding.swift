// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Sessions that were seen, as replicas tell each other of them: sealed, so that who can read the store learns no names, and
/// who can write there adds none.
package struct SeenSessionCoding: Sendable {
    /// The first seals, all open.
    private let keys: [[UInt8]]

    /// - Parameter secrets: those of sessions, which all replicas have.
    package init(secrets: [[UInt8]]) {
        precondition(!secrets.isEmpty, "a session has at least one secret")
        keys = secrets.map {
            HKDF.sha256(secret: $0, salt: [], info: Self.purpose, length: SealingKey.keyByteCount)
        }
    }

    package func seal(_ entries: [SeenSessions.Entry]) -> [(name: SessionName, record: [UInt8])] {
        let key = SealingKey(key: keys[0])
        return entries.map { entry in
            var text: [UInt8] = [Self.version]
            text.appendCounted(entry.name.description.utf8)
            text.appendCounted(entry.id)
            text.appendCounted(entry.user.utf8)
            text.appendCounted(entry.provider.utf8)
            text.appendTime(entry.since)
            text.appendTime(entry.lastSeen)
            text.appendCounted(entry.client.utf8)
            text.appendCounted(entry.browser.utf8)
            var sealed: [UInt8] = []
            let nonce = Random.bytes(SealingKey.nonceByteCount)
            key.seal(text.span, nonce: nonce.span, authenticating: Self.purpose.span, into: &sealed)
            return (entry.name, sealed)
        }
    }

    /// Without what was not sealed by a replica with the same secrets, or is of another version.
    package func open(_ records: [[UInt8]]) -> [SeenSessions.Entry] {
        let keys = keys.map { SealingKey(key: $0) }
        return records.compactMap { record in
            guard record.count <= Self.maximumBytes else { return nil }
            for key in keys {
                var text: [UInt8] = []
                if key.open(record.span, authenticating: Self.purpose.span, into: &text) { return Self.read(text) }
            }
            return nil
        }
    }

    private static func read(_ text: [UInt8]) -> SeenSessions.Entry? {
        var reader = SealedReader(text)
        func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        guard reader.byte() == version, let name = reader.counted(), let id = reader.counted(),
            let user = reader.counted(), let provider = reader.counted(), let since = reader.time(),
            let lastSeen = reader.time(), let client = reader.counted(), let browser = reader.counted(),
            reader.isAtEnd, let name = SessionName(string(name))
        else { return nil }
        return SeenSessions.Entry(
            name: name, id: id, user: string(user), provider: string(provider), since: since, lastSeen: lastSeen,
            client: string(client), browser: string(browser))
    }

    private static let purpose = Array("sidegate seen session, version 1".utf8)
    private static let version: UInt8 = 1
    /// Far more than names can take.
    package static let maximumBytes = 4096
}
