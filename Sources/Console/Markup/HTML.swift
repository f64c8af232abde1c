// SPDX-License-Identifier: Apache-2.0

import Pages

/// HTML text. Only literals of the program are markup: every value that is put into one is escaped, in content and in
/// attributes in quotation marks. So no user name, reason or request can become markup.
///
///     let row: HTML = "<td title=\"\(detail)\">\(user)</td>"
package struct HTML: Equatable, Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package var isEmpty: Bool { bytes.isEmpty }

    package static func += (html: inout HTML, more: HTML) { html.bytes += more.bytes }
}

extension HTML: ExpressibleByStringInterpolation {
    package struct StringInterpolation: StringInterpolationProtocol, Sendable {
        fileprivate var bytes: [UInt8] = []

        package init(literalCapacity: Int, interpolationCount: Int) {
            bytes.reserveCapacity(literalCapacity + 32 * interpolationCount)
        }

        /// - Parameter literal: text of the program; no other text has this type.
        package mutating func appendLiteral(_ literal: StaticString) {
            bytes.append(contentsOf: literal.description.utf8)
        }

        package mutating func appendInterpolation(_ text: String) { HTMLEscape.append(text, to: &bytes) }

        package mutating func appendInterpolation(_ number: some FixedWidthInteger) {
            bytes.append(contentsOf: String(number).utf8)
        }

        package mutating func appendInterpolation(_ html: HTML) { bytes += html.bytes }

        /// One after the other.
        package mutating func appendInterpolation(_ parts: [HTML]) {
            for part in parts { bytes += part.bytes }
        }
    }

    package init(stringLiteral literal: StaticString) { bytes = Array(literal.description.utf8) }

    package init(stringInterpolation: StringInterpolation) { bytes = stringInterpolation.bytes }
}

extension HTML {
    /// A text of the program that is not to be escaped: the style sheet and the script.
    init(own text: String) { bytes = Array(text.utf8) }

    /// `html` if there is a value.
    static func unwrap<Value>(_ value: Value?, _ html: (Value) -> HTML) -> HTML { value.map(html) ?? HTML() }

    static func when(_ condition: Bool, _ html: @autoclosure () -> HTML) -> HTML { condition ? html() : HTML() }

    /// The length in percent of `whole`, with two decimals, for attributes.
    static func percent(_ part: Double, of whole: Double) -> String {
        guard whole > 0, part.isFinite else { return "0" }
        return decimal(100 * part / whole)
    }

    /// With at most two decimals.
    static func decimal(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "0" }
        let hundredths = Int((value * 100).rounded())
        let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
        let sign = hundredths < 0 ? "-" : ""
        if rest == 0 { return "\(sign)\(whole)" }
        return "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest % 10 == 0 ? rest / 10 : rest)"
    }
}

/// A part of a query, percent-encoded (RFC 3986 §2.3: unreserved characters stay).
package enum QueryText {
    package static func encode(_ text: String) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(byte)
            default:
                out.append(UInt8(ascii: "%"))
                out.append(digits[Int(byte >> 4)])
                out.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static let digits = Array("0123456789ABCDEF".utf8)
}
