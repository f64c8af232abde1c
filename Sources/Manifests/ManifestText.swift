// SPDX-License-Identifier: Apache-2.0

/// The bytes of a manifest file, and its lines.
struct ManifestText: Sendable {
    let bytes: [UInt8]
    /// The file's line ending.
    let newline: String

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        let end = bytes.firstIndex(of: 10) ?? 0
        newline = end > 0 && bytes[end - 1] == 13 ? "\r\n" : "\n"
    }

    /// The offset of the first byte of the line that contains `offset`.
    func lineStart(_ offset: Int) -> Int {
        var index = min(offset, bytes.count)
        while index > 0, bytes[index - 1] != 10 { index -= 1 }
        return index
    }

    /// The offset of the line after, or the end of the text.
    func nextLine(_ offset: Int) -> Int {
        var index = offset
        while index < bytes.count {
            index += 1
            if bytes[index - 1] == 10 { return index }
        }
        return index
    }

    /// Whether only spaces precede `offset` in its line.
    func isFirstInLine(_ offset: Int) -> Bool {
        bytes[lineStart(offset)..<min(offset, bytes.count)].allSatisfy { $0 == 32 }
    }

    /// The end of the text before `offset`, without spaces and line ends.
    func trimmedEnd(_ offset: Int, from start: Int) -> Int {
        var index = min(offset, bytes.count)
        while index > start, Self.isBlank(bytes[index - 1]) { index -= 1 }
        return index
    }

    /// The first byte from `offset` on that is not a space or line end.
    func skipBlank(_ offset: Int) -> Int {
        var index = offset
        while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }
        return index
    }

    subscript(offset: Int) -> UInt8? { bytes.indices.contains(offset) ? bytes[offset] : nil }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 10 || byte == 13 || byte == 9 }

    /// The start of the text, after a byte order mark.
    var start: Int { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0 }

    /// Byte offsets of all characters, and of the end; libyaml counts in characters.
    func characterOffsets() -> [Int] {
        var offsets: [Int] = []
        offsets.reserveCapacity(bytes.count + 1)
        for offset in start..<bytes.count where bytes[offset] & 0xC0 != 0x80 { offsets.append(offset) }
        offsets.append(bytes.count)
        return offsets
    }
}

/// Bytes that replace others.
struct ManifestEdit: Sendable {
    let range: Range<Int>
    let text: String

    /// The text with all edits applied. They must not overlap; at the same offset, insertions come before replacements,
    /// each in the given order.
    static func apply(_ edits: [ManifestEdit], to text: ManifestText) -> [UInt8] {
        func rank(_ edit: (offset: Int, element: ManifestEdit)) -> (Int, Int, Int) {
            (edit.element.range.lowerBound, edit.element.range.isEmpty ? 0 : 1, edit.offset)
        }
        let ordered = edits.enumerated().sorted { rank($0) < rank($1) }
        var result: [UInt8] = []
        var copied = 0
        for (_, edit) in ordered {
            precondition(edit.range.lowerBound >= copied, "edits of manifests overlap")
            result += text.bytes[copied..<edit.range.lowerBound]
            result += Array(edit.text.utf8)
            copied = edit.range.upperBound
        }
        return result + text.bytes[copied...]
    }
}
