// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The query without the token parameter: the token leaves by no URL (CVE-2021-29651, CVE-2022-24797).
enum QueryFilter {
    /// Appends `?query`, or nothing when no parameter is left of one that only held the token.
    static func appendQuery(of request: RequestHead, without name: [UInt8], to output: inout [UInt8]) {
        guard let query = request.query, query.upperBound <= request.bytes.count else { return }
        output.append(UInt8(ascii: "?"))
        let bytes = request.bytes.span
        guard contains(name, bytes, query.range) else {
            return output.append(copying: bytes.extracting(query.range))
        }
        let start = output.count
        forEachPart(bytes, query.range) { part, separator in
            guard !isNamed(name, bytes.extracting(part)) else { return }
            if output.count > start { output.append(separator) }
            output.append(copying: bytes.extracting(part))
        }
        if output.count == start { output.removeLast() }
    }

    /// A parameter of that name is in the query.
    static func contains(_ name: [UInt8], _ bytes: Span<UInt8>, _ query: Range<Int>) -> Bool {
        var found = false
        forEachPart(bytes, query) { part, _ in
            if isNamed(name, bytes.extracting(part)) { found = true }
        }
        return found
    }

    /// The parts between `&`, and between `;`, which some app servers split at too. The separator is the one before.
    private static func forEachPart(
        _ bytes: Span<UInt8>, _ query: Range<Int>, _ body: (Range<Int>, _ separator: UInt8) -> Void
    ) {
        var start = query.lowerBound
        var separator = UInt8(ascii: "&")
        var index = start
        while index < query.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: "&") || byte == UInt8(ascii: ";") {
                body(start..<index, separator)
                separator = byte
                start = index + 1
            }
            index += 1
        }
        body(start..<query.upperBound, separator)
    }

    /// Whether the part's name decodes to `name`.
    private static func isNamed(_ name: [UInt8], _ part: Span<UInt8>) -> Bool {
        var end = 0
        var isEncoded = false
        while end < part.count, part[end] != UInt8(ascii: "=") {
            isEncoded = isEncoded || part[end] == UInt8(ascii: "%") || part[end] == UInt8(ascii: "+")
            end += 1
        }
        let text = part.extracting(0..<end)
        guard isEncoded else { return text.equals(name.span) }
        return PercentEncoding.decodes(text, to: name.span, plusIsSpace: true)
    }
}
