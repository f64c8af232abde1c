// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The ways in which apps read one path: a request passes only when it passes under each of them, so that no spelling
/// opens what a rule closes (CVE-2019-9901, CVE-2026-33494, CVE-2026-26205).
///
/// ``canonical`` is RFC 3986's normal form (§6.2.2): the path that the app gets. The others are what servers and
/// frameworks are known to make of it: percent-escapes decoded again, encoded and backward slashes taken for slashes,
/// doubled slashes for one, matrix parameters and trailing dots dropped, letters and signs that look alike taken for
/// those of ASCII.
struct PathReadings {
    let canonical: [UInt8]
    /// Distinct from each other and from ``canonical``; mostly none.
    let others: [[UInt8]]

    /// Nil for a path that cannot be read safely: malformed escapes, zero bytes, control characters, characters in more
    /// bytes than they need (RFC 3629 §3), or text that is still encoded after some rounds of decoding.
    init?(_ path: Span<UInt8>) {
        guard var text = Self.normalizedEscapes(path) else { return nil }
        let canonical = Self.resolved(text, isSeparator: Self.isForwardSlash, mergesSlashes: false)
        self.canonical = canonical
        var others: [[UInt8]] = []
        for round in 0... {
            guard !Self.holdsOtherEncoding(text) else { return nil }
            for reading in Self.lenient(text) where reading != canonical && !others.contains(reading) {
                others.append(reading)
            }
            guard let decoded = PathText.decoded(text) else { break }
            // A % that begins no escape stays: it is text.
            guard decoded != text else { break }
            guard round < PathText.maximumRounds, !decoded.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
                return nil
            }
            text = decoded
        }
        self.others = others
    }

    /// Nothing in it could be read in another way: it is its own normal form, and the only one.
    static func isPlain(_ path: Span<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for index in path.indices {
            let byte = path[index]
            switch byte {
            case UInt8(ascii: "%"), UInt8(ascii: "\\"), UInt8(ascii: ";"), 0..<0x21, 0x7f...: return false
            case UInt8(ascii: "/"):
                // A doubled slash; or a segment that ended in a dot.
                if previous == UInt8(ascii: "/") || previous == UInt8(ascii: ".") { return false }
            case UInt8(ascii: "."):
                if previous == UInt8(ascii: "/") { return false }
            default: break
            }
            previous = byte
        }
        return previous != UInt8(ascii: ".")
    }

    /// Escapes of unreserved characters decoded, others in capitals, and what is not ASCII escaped: some servers cut raw
    /// bytes such as 0xA0 off at the end. Nil when an escape is malformed or stands for a control character.
    private static func normalizedEscapes(_ path: Span<UInt8>) -> [UInt8]? {
        var text: [UInt8] = []
        text.reserveCapacity(path.count)
        var index = 0
        while index < path.count {
            let byte = path[index]
            guard byte == UInt8(ascii: "%") else {
                guard byte > 0x20, byte != 0x7f else { return nil }
                if byte < 0x80 { text.append(byte) } else { text.appendPercentEncoded(byte: byte) }
                index += 1
                continue
            }
            guard index + 2 < path.count, let high = PathText.hexValue(path[index + 1]),
                let low = PathText.hexValue(path[index + 2])
            else { return nil }
            let value = high << 4 | low
            guard value >= 0x20, value != 0x7f else { return nil }
            if isUnreserved(value) {
                text.append(value)
            } else {
                text.append(UInt8(ascii: "%"))
                text.append(hexDigit(high))
                text.append(hexDigit(low))
            }
            index += 3
        }
        return text
    }

    /// What lenient servers make of a decoded text.
    private static func lenient(_ text: [UInt8]) -> [[UInt8]] {
        var readings: [[UInt8]] = []
        for text in LookAlikes.fold(text).map({ [text, $0] }) ?? [text] {
            readings.append(resolved(text, isSeparator: isForwardSlash, mergesSlashes: false))
            readings.append(resolved(text, isSeparator: PathText.isSlash, mergesSlashes: true))
            // A parameter ends at a slash; a backslash is one to some.
            for isEnd in [PathText.isSlash, isForwardSlash] {
                let withoutParameters = dropParameters(text, isEnd: isEnd)
                let merged = resolved(withoutParameters, isSeparator: PathText.isSlash, mergesSlashes: true)
                readings += [
                    resolved(withoutParameters, isSeparator: isForwardSlash, mergesSlashes: false),
                    merged, trimmed(merged),
                    // A segment of dots and a space is the parent to those who cut first.
                    resolved(trimmed(merged, keepsDots: true), isSeparator: PathText.isSlash, mergesSlashes: true),
                ]
                guard text.contains(UInt8(ascii: ";")), text.contains(UInt8(ascii: "\\")) else { break }
            }
        }
        return readings
    }

    /// An escape that is not RFC 3986's (`%u002f`), or the lead byte of a character that UTF-8 writes with fewer bytes:
    /// careless decoders make a slash or a dot of either.
    private static func holdsOtherEncoding(_ text: [UInt8]) -> Bool {
        for (index, byte) in text.enumerated() {
            let next = index + 1 < text.count ? text[index + 1] : 0
            switch byte {
            case UInt8(ascii: "%"):
                guard lowercased(next) == UInt8(ascii: "u"), index + 5 < text.count else { continue }
                if text[(index + 2)...(index + 5)].allSatisfy({ PathText.hexValue($0) != nil }) { return true }
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

    private static func isForwardSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") }

    /// Without what follows a semicolon in each segment.
    private static func dropParameters(_ text: [UInt8], isEnd: (UInt8) -> Bool) -> [UInt8] {
        var output: [UInt8] = []
        var isParameter = false
        for byte in text {
            if isEnd(byte) { isParameter = false } else if byte == UInt8(ascii: ";") { isParameter = true }
            if !isParameter { output.append(byte) }
        }
        return output
    }

    /// Without dots and spaces at the ends of segments, which some file systems drop, and other white space, which some
    /// servers do (0x85 and 0xA0 are of Latin-1, behind 0xC2 of UTF-8).
    private static func trimmed(_ text: [UInt8], keepsDots: Bool = false) -> [UInt8] {
        var output: [UInt8] = []
        for part in text.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            var part = part
            while let count = droppedAtEnd(of: part, keepsDots: keepsDots) { part.removeLast(count) }
            output.append(UInt8(ascii: "/"))
            output.append(contentsOf: part)
        }
        return output.isEmpty ? [UInt8(ascii: "/")] : output
    }

    /// How many bytes of the last character go; nil: it stays.
    private static func droppedAtEnd(of part: ArraySlice<UInt8>, keepsDots: Bool) -> Int? {
        switch part.last {
        case 0x20: return 1
        case UInt8(ascii: "."): return keepsDots ? nil : 1
        case 0x85, 0xa0:
            // Other characters of UTF-8 end with these bytes too.
            let before = part.dropLast().last ?? 0
            return before == 0xc2 ? 2 : before < 0x80 ? 1 : nil
        default: return nil
        }
    }

    /// RFC 3986 §5.2.4; with `mergesSlashes` empty segments go too, except for one at the end.
    private static func resolved(
        _ text: [UInt8], isSeparator: (UInt8) -> Bool, mergesSlashes: Bool
    ) -> [UInt8] {
        var segments: [ArraySlice<UInt8>] = []
        let parts = text.dropFirst().split(omittingEmptySubsequences: false, whereSeparator: isSeparator)
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            if part.elementsEqual("..".utf8) {
                _ = segments.popLast()
                if isLast { segments.append([]) }
            } else if part.elementsEqual(".".utf8) {
                if isLast { segments.append([]) }
            } else if !part.isEmpty || isLast || !mergesSlashes {
                segments.append(part)
            }
        }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        for segment in segments {
            output.append(UInt8(ascii: "/"))
            output.append(contentsOf: segment)
        }
        return output.isEmpty ? [UInt8(ascii: "/")] : output
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
