// SPDX-License-Identifier: Apache-2.0

import HTTP

/// A request as seen by the demo's parties: as text, since performance does not matter here.
struct DemoRequest {
    let method: Method
    let path: String
    let query: String
    private let head: RequestHead
    private let queryParameters: [(String, String)]
    private let formParameters: [(String, String)]

    init(_ head: RequestHead, body: [UInt8]) {
        self.head = head
        method = head.method
        path = Self.text(head.bytes, head.path.range)
        query = head.query.map { Self.text(head.bytes, $0.range) } ?? ""
        queryParameters = head.query.map { Self.parameters(head.bytes, $0.range) } ?? []
        let isForm = Self.values(of: head, "content-type").contains {
            $0.lowercased().hasPrefix("application/x-www-form-urlencoded")
        }
        formParameters = isForm ? Self.parameters(body, 0..<body.count) : []
    }

    /// A parameter of the query; nil if it is missing or repeated.
    func parameter(_ name: String) -> String? { Self.single(queryParameters, name) }

    /// A field of the form; nil if it is missing or repeated.
    func field(_ name: String) -> String? { Self.single(formParameters, name) }

    func cookie(_ name: String) -> String? {
        var found: String?
        head.forEachCookie { place, value in
            if Self.text(head.bytes, place.range) == name { found = Self.text(head.bytes, value.range) }
        }
        return found
    }

    /// The values of a header, by its name in any case.
    func values(_ name: String) -> [String] { Self.values(of: head, name) }

    /// All headers in their order.
    var headers: [(name: String, value: String)] {
        head.fields.map { (Self.text(head.bytes, $0.name.range), Self.text(head.bytes, $0.value.range)) }
    }

    private static func values(of head: RequestHead, _ name: String) -> [String] {
        head.fields.filter { text(head.bytes, $0.name.range).lowercased() == name.lowercased() }
            .map { text(head.bytes, $0.value.range) }
    }

    private static func single(_ parameters: [(String, String)], _ name: String) -> String? {
        let values = parameters.filter { $0.0 == name }
        return values.count == 1 ? values[0].1 : nil
    }

    private static func parameters(_ bytes: [UInt8], _ range: Range<Int>) -> [(String, String)] {
        guard range.upperBound <= bytes.count else { return [] }
        var parameters: [(String, String)] = []
        QueryParameters.forEach(in: bytes.span, range) { name, value in
            guard parameters.count < 100 else { return }
            parameters.append((decoded(bytes, name), decoded(bytes, value)))
        }
        return parameters
    }

    private static func decoded(_ bytes: [UInt8], _ range: Range<Int>) -> String {
        var output: [UInt8] = []
        guard PercentEncoding.decode(bytes.span.extracting(range), plusIsSpace: true, into: &output) else {
            return text(bytes, range)
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func text(_ bytes: [UInt8], _ range: Range<Int>) -> String {
        guard range.upperBound <= bytes.count else { return "" }
        return String(decoding: bytes[range], as: UTF8.self)
    }
}

/// Encodes everything but RFC 3986's unreserved characters as `%XX`.
func percentEncoded(_ text: String) -> String {
    var output: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            output.append(byte)
        default:
            let digits = String(byte, radix: 16, uppercase: true)
            output.append(contentsOf: ("%" + (byte < 16 ? "0" : "") + digits).utf8)
        }
    }
    return String(decoding: output, as: UTF8.self)
}
