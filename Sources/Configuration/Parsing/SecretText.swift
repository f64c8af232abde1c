// SPDX-License-Identifier: Apache-2.0

/// The text of a secret, from wherever it comes: a file, the environment, the configuration file.
///
/// Editors, `echo` and YAML's `|` end a text with a newline that belongs to no secret; with it every signature would be
/// wrong.
enum SecretText {
    /// Drops one newline at the end.
    static func dropNewline(_ bytes: inout [UInt8]) {
        guard bytes.last == UInt8(ascii: "\n") else { return }
        bytes.removeLast()
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    }

    static func withoutNewline(_ text: String) -> String {
        var bytes = Array(text.utf8)
        dropNewline(&bytes)
        return bytes.count == text.utf8.count ? text : String(decoding: bytes, as: UTF8.self)
    }

    /// Why it is doubtful that all of `bytes` was meant; nil: it is not. Random bytes may hold anything.
    static func doubt(_ bytes: [UInt8]) -> String? {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return "begins with a byte order mark (U+FEFF)" }
        guard bytes.allSatisfy({ 0x20...0x7e ~= $0 || 0x09...0x0d ~= $0 }),
            !bytes.starts(with: "-----BEGIN".utf8), let first = bytes.first, let last = bytes.last
        else { return nil }
        if first <= 0x20 || last <= 0x20 { return "begins or ends with white space" }
        return bytes.contains { $0 < 0x20 } ? "holds a line break or a tab" : nil
    }
}
