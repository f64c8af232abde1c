// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The client's own X-Request-ID, when logs and headers can carry it.
enum RequestIdentifier {
    /// Its place: exactly one, 1 to 128 letters, digits and `-._~:+/=@`.
    static func place(in request: RequestHead) -> ByteRange? {
        var place: ByteRange?
        let bytes = request.bytes.span
        for index in request.fields.indices where request.fields[index].known == .xRequestID {
            guard place == nil else { return nil }
            let value = request.fields[index].value
            guard (1...128).contains(value.count), value.upperBound <= bytes.count else { return nil }
            for position in value.range where !isPlain(bytes[position]) { return nil }
            place = value
        }
        return place
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            // - . / 0…9 :
            UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "+"),
            UInt8(ascii: "="), UInt8(ascii: "@"):
            true
        default: false
        }
    }
}
