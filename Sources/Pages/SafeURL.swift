// SPDX-License-Identifier: Apache-2.0

/// A URL that is safe in a link or a form: `http`, `https`, or relative to this site. The type is the proof.
///
/// Checked as browsers parse URLs (WHATWG): they drop tabs and line ends anywhere, trim white space and control
/// characters at the ends, and read a backslash as a slash. Text that relies on any of it is rejected.
package struct SafeURL: Equatable, Sendable {
    package let text: String

    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return nil }
        switch bytes.first(where: { Self.delimiters.contains($0) }) {
        case UInt8(ascii: ":"):
            guard Self.hasWebScheme(bytes) else { return nil }
        default:
            // Two slashes, of either kind, start a host: that would be another site's URL.
            guard !Self.isSlash(bytes[0]) || bytes.count == 1 || !Self.isSlash(bytes[1]) else { return nil }
        }
        self.text = text
    }

    private static let delimiters = Array(":/\\?#".utf8)

    private static func isSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") }

    /// `http://` or `https://`, and the first byte of a host.
    private static func hasWebScheme(_ bytes: [UInt8]) -> Bool {
        for scheme in ["http://", "https://"] {
            let length = scheme.utf8.count
            guard bytes.count > length else { continue }
            let start = bytes.prefix(length).map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
            if start.elementsEqual(scheme.utf8), !delimiters.contains(bytes[length]) { return true }
        }
        return false
    }
}
