// SPDX-License-Identifier: Apache-2.0

/// Names and values as `application/x-www-form-urlencoded` (WHATWG URL §5.2, RFC 6749 appendix B).
struct FormText {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ name: StaticString, _ value: [UInt8]) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
        bytes.append(contentsOf: Array(name.description.utf8))
        bytes.append(UInt8(ascii: "="))
        bytes.append(contentsOf: Self.encoded(value))
    }

    /// `~` stays as it is: it occurs in secrets, and not all servers decode those before they compare them.
    static func encoded(_ value: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        for byte in value {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "*"):
                output.append(byte)
            case UInt8(ascii: " "):
                output.append(UInt8(ascii: "+"))
            default:
                output.append(UInt8(ascii: "%"))
                output.append(digits[Int(byte >> 4)])
                output.append(digits[Int(byte & 15)])
            }
        }
        return output
    }

    private static let digits = Array("0123456789ABCDEF".utf8)
}
