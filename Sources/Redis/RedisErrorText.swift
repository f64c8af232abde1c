// SPDX-License-Identifier: Apache-2.0

/// What of a server's error may be passed on, and so reach the log.
enum RedisErrorText {
    /// At most 300 bytes of `error`, or its first word if it quotes the password: a server that does not know AUTH quotes its
    /// arguments, and a hostile one may do so at any time.
    ///
    /// A redirection is kept if it contains a short password, since that is more likely a part of the host's name.
    static func withoutPassword(_ error: [UInt8], _ password: [UInt8]) -> String {
        // Servers quote the beginning of a long argument only.
        let secret = password.prefix(quoted)
        guard !secret.isEmpty, contains(error, secret),
            !(secret.count < short && ["MOVED ", "ASK "].contains(where: { error.starts(with: $0.utf8) }))
        else { return String(decoding: error.prefix(kept), as: UTF8.self) }
        let word = error.prefix { $0 != 0x20 }.prefix(kept)
        return contains(Array(word), secret) ? "refused" : String(decoding: word, as: UTF8.self)
    }

    private static func contains(_ text: [UInt8], _ part: ArraySlice<UInt8>) -> Bool {
        guard text.count >= part.count else { return false }
        return (0...text.count - part.count).contains { text[$0...].starts(with: part) }
    }

    /// A redirection with the longest host name is shorter.
    private static let kept = 300
    private static let quoted = 32
    private static let short = 16
}
