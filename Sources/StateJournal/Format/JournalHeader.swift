// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate

/// The beginning of a journal: what it is, the salt of its key, and the machine's boot that wrote it. Authenticated.
package struct JournalHeader: Equatable {
    /// Derives the file's own key.
    let salt: [UInt8]
    /// Identifies the boot of the machine; zeros: unknown.
    let boot: [UInt8]
    /// Tokens issued until then may have been used without being in the journal; see ``JournalGap``.
    /// Seconds since 1970; 0: nothing is missing.
    let completeSince: Double

    package init(salt: [UInt8], boot: [UInt8], completeSince: Double) {
        self.salt = salt
        self.boot = boot
        self.completeSince = completeSince
    }

    /// It was written since the machine was started, as far as is known.
    func isOfBoot(_ boot: [UInt8]) -> Bool { self.boot == boot }

    package func text(_ key: SealingKey) -> [UInt8] {
        var bytes = Self.magic
        bytes.appendNumber(UInt64(Self.version), bytes: 2)
        bytes.append(contentsOf: salt)
        bytes.append(contentsOf: boot)
        bytes.appendNumber(UInt64(max(0, min(completeSince * 1000, 9e15))), bytes: 8)
        let nonce = Random.bytes(SealingKey.nonceByteCount)
        let data = bytes
        let nothing: [UInt8] = []
        key.seal(nothing.span, nonce: nonce.span, authenticating: data.span, into: &bytes)
        return bytes
    }

    enum Reading {
        case good(JournalHeader, secret: Int, SealingKey)
        /// No secret opens it: it was written with another one, or it is damaged.
        case otherSecret
        case otherVersion(UInt64)
        /// It is no journal.
        case malformed
    }

    /// - Parameter bytes: the first ``byteCount``.
    static func read(_ bytes: [UInt8], _ keys: JournalKeys) -> Reading {
        var reader = SealedReader(bytes)
        guard reader.text(count: magic.count) == magic, let version = reader.number(bytes: 2) else { return .malformed }
        guard version == self.version else { return .otherVersion(version) }
        guard let salt = reader.text(count: saltByteCount), let boot = reader.text(count: bootByteCount),
            let completeSince = reader.number(bytes: 8)
        else { return .malformed }
        let header = JournalHeader(salt: salt, boot: boot, completeSince: Double(completeSince) / 1000)
        let data = Array(bytes.prefix(plainByteCount))
        let code = reader.rest()
        for index in keys.indices {
            let key = keys.key(index, salt: salt)
            var nothing: [UInt8] = []
            if key.open(code.span, authenticating: data.span, into: &nothing), nothing.isEmpty {
                return .good(header, secret: index, key)
            }
        }
        return .otherSecret
    }

    package static let byteCount = plainByteCount + SealingKey.overhead
    static let saltByteCount = 16
    static let bootByteCount = 16
    package static let unknownBoot = [UInt8](repeating: 0, count: bootByteCount)
    /// Its line break is damaged by programs that take it for a text.
    private static let magic = Array("sidegate state\r\n".utf8)
    private static let version: UInt16 = 1
    private static let plainByteCount = 16 + 2 + saltByteCount + bootByteCount + 8
}

/// The secrets that journals are written with: the first writes, all read.
package struct JournalKeys {
    private let secrets: [[UInt8]]

    package init(_ secrets: [[UInt8]]) {
        precondition(!secrets.isEmpty, "a journal has at least one secret")
        self.secrets = secrets
    }

    var indices: Range<Int> { secrets.indices }

    package func key(_ index: Int, salt: [UInt8]) -> SealingKey {
        SealingKey(
            key: HKDF.sha256(
                secret: secrets[index], salt: salt, info: Self.purpose, length: SealingKey.keyByteCount))
    }

    private static let purpose = Array("sidegate state journal, version 1".utf8)
}
