// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite("The parameters of a query or form")
struct QueryParametersTests {
    private func parameters(_ text: String) -> [String] {
        // Bytes outside of the range must not matter.
        let bytes = Array("&x=y?\(text)&z=".utf8)
        var found: [String] = []
        QueryParameters.forEach(in: bytes.span, 5..<bytes.count - 3) { name, value in
            found.append(
                "[\(String(decoding: bytes[name], as: UTF8.self))][\(String(decoding: bytes[value], as: UTF8.self))]")
        }
        return found
    }

    @Test(
        "are read one by one",
        arguments: [
            ("", []), ("a=b", ["[a][b]"]), ("a=b&c=d", ["[a][b]", "[c][d]"]), ("a", ["[a][]"]), ("a=", ["[a][]"]),
            ("=b", ["[][b]"]), ("=", ["[][]"]), ("&&a=b&&", ["[a][b]"]), ("a=b=c", ["[a][b=c]"]),
            ("a;b=c", ["[a;b][c]"]),
            ("jwt=a.b.c&return_to=%2Fx&jwt=d", ["[jwt][a.b.c]", "[return_to][%2Fx]", "[jwt][d]"]),
            ("a?b=c?d", ["[a?b][c?d]"]),
        ])
    func areRead(_ text: String, _ expected: [String]) {
        #expect(parameters(text) == expected)
    }

    @Test("can be read from a head's query")
    func ofHead() {
        var head = RequestHead()
        head.bytes = Array("/a?b=c&d".utf8)
        var count = 0
        head.forEachQueryParameter { _, _ in count += 1 }
        #expect(count == 0)
        head.query = ByteRange(3..<8)
        var places: [ByteRange] = []
        head.forEachQueryParameter { places += [$0, $1] }
        #expect(places == [ByteRange(3..<4), ByteRange(5..<6), ByteRange(7..<8), ByteRange(8..<8)])
    }
}

@Suite("Percent-encoding")
struct PercentEncodingTests {
    private static let good: [(String, Bool, String)] = [
        ("", false, ""), ("abc", false, "abc"), ("a%20b", false, "a b"), ("a+b", false, "a+b"), ("a+b", true, "a b"),
        ("%2B+%2b", true, "+ +"), ("%25%34%31", false, "%41"), ("%6a%77%74", false, "jwt"), ("%C3%A4", false, "ä"),
        ("%0d%0A%00", false, "\r\n\0"),
    ]

    private func decode(_ text: String, _ plusIsSpace: Bool, _ output: inout [UInt8]) -> Bool {
        let text = Array(text.utf8)
        return PercentEncoding.decode(text.span, plusIsSpace: plusIsSpace, into: &output)
    }

    private func decodes(_ text: String, to plain: String, _ plusIsSpace: Bool) -> Bool {
        let (text, plain) = (Array(text.utf8), Array(plain.utf8))
        return PercentEncoding.decodes(text.span, to: plain.span, plusIsSpace: plusIsSpace)
    }

    @Test("is decoded once", arguments: good)
    func isUndone(_ text: String, _ plusIsSpace: Bool, _ plain: String) {
        var output = Array("x".utf8)
        #expect(decode(text, plusIsSpace, &output))
        #expect(String(decoding: output, as: UTF8.self) == "x" + plain)
        #expect(decodes(text, to: plain, plusIsSpace))
        #expect(!decodes(text, to: plain + "x", plusIsSpace))
        #expect(!decodes(text + "x", to: plain, plusIsSpace))
    }

    @Test("is rejected if malformed", arguments: ["%", "a%", "%4", "%g0", "%0g", "ab%%41", "%u0041", "% 41", "%+1"])
    func isRefused(_ text: String) {
        var output = Array("x".utf8)
        #expect(!decode(text, true, &output))
        #expect(output == Array("x".utf8))
        #expect(!decodes(text, to: text, false))
    }
}
