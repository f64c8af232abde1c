// SPDX-License-Identifier: Apache-2.0

import HTTP

/// How others may read a path: decoded, with backslashes as slashes, with dot segments resolved.
enum PathText {
    /// Text that still has something to decode after this many rounds is refused by whoever asks.
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
                let high = hexValue(text[index + 1]), let low = hexValue(text[index + 2])
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

    /// Resolving dot segments, as a browser does, leaves a path that begins with two slashes.
    static func resolvesToDoubleSlash(_ path: [UInt8]) -> Bool {
        var segments: [ArraySlice<UInt8>] = []
        let parts = path.dropFirst().split(omittingEmptySubsequences: false, whereSeparator: isSlash)
        for part in parts {
            if part.elementsEqual("..".utf8) {
                _ = segments.popLast()
            } else if !part.elementsEqual(".".utf8) {
                segments.append(part)
            }
        }
        // "/" alone has one empty segment, and a host needs two slashes and more.
        return segments.count > 1 && segments[0].isEmpty
    }

    static func isSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") }

    static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension [UInt8] {
    init(copying span: Span<UInt8>) {
        self.init()
        append(copying: span)
    }

    mutating func append(copying span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
