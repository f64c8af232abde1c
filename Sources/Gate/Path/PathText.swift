// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The steps by which servers and frameworks read a path, each by itself.
enum PathText {
    /// Text that still has something to decode after this many rounds is refused.
    static let maximumRounds = 4

    /// `text` with every `%XX` decoded once; nil when it has none.
    static func decoded(_ text: [UInt8]) -> [UInt8]? {
        guard text.contains(UInt8(ascii: "%")) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var found = false
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%"), index + 2 < text.count,
                let high = Hexadecimal.value(text[index + 1]), let low = Hexadecimal.value(text[index + 2])
            {
                output.append(high << 4 | low)
                index += 3
                found = true
            } else {
                output.append(text[index])
                index += 1
            }
        }
        return found ? output : nil
    }

    /// Some decoding of `path` begins with two slashes or backslashes, as it is or with its dot segments resolved: as a
    /// URL reference it would name a host.
    static func namesHost(_ path: Span<UInt8>) -> Bool {
        var text = Array(copying: path)
        for _ in 0...maximumRounds {
            let slashed = text.map { isSlash($0) ? UInt8(ascii: "/") : $0 }
            if slashed.starts(with: "//".utf8) || resolved(slashed).starts(with: "//".utf8) { return true }
            guard let decoded = decoded(text) else { return false }
            text = decoded
        }
        return true
    }

    /// An escape that is not RFC 3986's (`%u002f`), or the lead byte of a character that UTF-8 writes with fewer bytes.
    static func holdsOtherEncoding(_ text: [UInt8]) -> Bool {
        for (index, byte) in text.enumerated() {
            let next = index + 1 < text.count ? text[index + 1] : 0
            switch byte {
            case UInt8(ascii: "%"):
                guard lowercased(next) == UInt8(ascii: "u"), index + 5 < text.count else { continue }
                if text[(index + 2)...(index + 5)].allSatisfy({ Hexadecimal.value($0) != nil }) { return true }
            case 0xc0, 0xc1: return true
            case 0xe0: if (0x80..<0xa0).contains(next) { return true }
            case 0xf0: if (0x80..<0x90).contains(next) { return true }
            case 0xf8: if (0x80..<0x88).contains(next) { return true }
            case 0xfc: if (0x80..<0x84).contains(next) { return true }
            default: continue
            }
        }
        return false
    }

    /// Each run of slashes as one.
    static func mergingSlashes(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        for byte in text where byte != UInt8(ascii: "/") || output.last != byte { output.append(byte) }
        return output
    }

    /// Without what follows a semicolon in each segment (RFC 3986 §3.3).
    static func withoutParameters(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var isParameter = false
        for byte in text {
            if byte == UInt8(ascii: "/") {
                isParameter = false
            } else if byte == UInt8(ascii: ";") {
                isParameter = true
            }
            if !isParameter { output.append(byte) }
        }
        return output
    }

    /// Without white space around segments, which some servers drop (0x85 and 0xA0 are Latin-1's, behind 0xC2 in UTF-8;
    /// ``LookAlikes`` makes a space of any other); and without dots at their ends, which some file systems drop.
    static func trimmed(_ text: [UInt8], keepsDots: Bool) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        for (index, part) in text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).enumerated() {
            var part = part
            while part.first == 0x20 { part.removeFirst() }
            while let count = droppedAtEnd(of: part, keepsDots: keepsDots) { part.removeLast(count) }
            if index > 0 { output.append(UInt8(ascii: "/")) }
            output.append(contentsOf: part)
        }
        return output
    }

    /// How many bytes of the last character are dropped; nil: it stays.
    private static func droppedAtEnd(of part: ArraySlice<UInt8>, keepsDots: Bool) -> Int? {
        switch part.last {
        case 0x20: return 1
        case UInt8(ascii: "."):
            guard keepsDots else { return 1 }
            // Of two dots, a space and a dot, a reader that trims both leaves the parent directory.
            guard let first = part.first, isDot(first), part.contains(where: { !isDot($0) }) else { return nil }
            return part.allSatisfy { isDot($0) || isWhiteSpace($0) } ? 1 : nil
        case 0x85, 0xa0:
            // Other characters of UTF-8 end with these bytes too.
            let before = part.dropLast().last ?? 0
            return before == 0xc2 ? 2 : before < 0x80 ? 1 : nil
        default: return nil
        }
    }

    private static func isDot(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ".") }

    /// A byte of what ``droppedAtEnd(of:keepsDots:)`` drops as white space.
    private static func isWhiteSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x85 || byte == 0xa0 || byte == 0xc2
    }

    /// RFC 3986 §5.2.4.
    static func resolved(_ text: [UInt8]) -> [UInt8] {
        var segments: [ArraySlice<UInt8>] = []
        let parts = text.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            if part.elementsEqual("..".utf8) {
                _ = segments.popLast()
                if isLast { segments.append([]) }
            } else if part.elementsEqual(".".utf8) {
                if isLast { segments.append([]) }
            } else {
                segments.append(part)
            }
        }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        for segment in segments {
            output.append(UInt8(ascii: "/"))
            output.append(contentsOf: segment)
        }
        return output
    }

    /// Some segment is `..`.
    static func hasParentSegment(_ text: [UInt8]) -> Bool {
        text.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
    }

    static func isSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") }
}
