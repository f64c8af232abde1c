// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The `traceparent` field (W3C Trace Context, level 1).
enum Traceparent {
    /// There is exactly one, and it can be carried on.
    static func isSound(in request: RequestHead) -> Bool {
        var found = false
        let bytes = request.bytes.span
        for index in request.fields.indices where request.fields[index].known == .traceparent {
            guard !found, isSound(bytes.extracting(request.fields[index].value.range)) else { return false }
            found = true
        }
        return found
    }

    /// `00-` 32 digits `-` 16 digits `-` 2 digits, lower-case hexadecimal, neither identifier zero. Later versions may
    /// be longer; ff is none.
    static func isSound(_ value: Span<UInt8>) -> Bool {
        guard value.count >= 55, isHex(value, 0..<2), value[2] == dash, isHex(value, 3..<35), value[35] == dash,
            isHex(value, 36..<52), value[52] == dash, isHex(value, 53..<55)
        else { return false }
        guard !isAll(UInt8(ascii: "0"), value, 3..<35), !isAll(UInt8(ascii: "0"), value, 36..<52),
            !isAll(UInt8(ascii: "f"), value, 0..<2)
        else { return false }
        return value.count == 55 || (!isAll(UInt8(ascii: "0"), value, 0..<2) && value[55] == dash && value.count <= 256)
    }

    private static let dash = UInt8(ascii: "-")

    private static func isHex(_ value: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for index in range {
            let byte = value[index]
            guard byte &- UInt8(ascii: "0") < 10 || byte &- UInt8(ascii: "a") < 6 else { return false }
        }
        return true
    }

    private static func isAll(_ byte: UInt8, _ value: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for index in range where value[index] != byte { return false }
        return true
    }
}
