// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite("The cookies of a request")
struct CookiePairsTests {
    /// A head with these Cookie fields, between others.
    private func head(_ values: [String]) -> RequestHead {
        var head = RequestHead()
        func append(_ text: String) -> ByteRange {
            let start = head.bytes.count
            head.bytes += text.utf8
            return ByteRange(start..<head.bytes.count)
        }
        head.fields.append(Field(name: append("X-A"), value: append("no=cookie"), known: .other))
        for value in values {
            head.fields.append(Field(name: append("cookie"), value: append(value), known: .cookie))
            head.bytes += "=;x".utf8
        }
        return head
    }

    private func pairs(_ values: [String]) -> [String] {
        let head = head(values)
        var pairs: [String] = []
        forEachCookie(in: head) { name, value in
            func text(_ range: ByteRange) -> String { String(decoding: head.bytes[range.range], as: UTF8.self) }
            pairs.append("[\(text(name))][\(text(value))]")
        }
        return pairs
    }

    @Test(
        "CVE-2023-28625: are read one by one, even if malformed",
        arguments: [
            ([], []), ([""], []), (["a=b"], ["[a][b]"]), (["a=b; c=d"], ["[a][b]", "[c][d]"]),
            (["a=b;c=d;"], ["[a][b]", "[c][d]"]), (["a=b", "c=d"], ["[a][b]", "[c][d]"]),
            (["  a = b \t;\t c= d"], ["[a][b]", "[c][d]"]), ([";;; ; "], []), (["="], ["[][]"]), (["=b"], ["[][b]"]),
            (["a"], ["[][a]"]), (["a="], ["[a][]"]), (["a=b=c=="], ["[a][b=c==]"]), (["a=\"b\""], ["[a][\"b\"]"]),
            (["a=b, c=d"], ["[a][b, c=d]"]), (["a=1; a=2"], ["[a][1]", "[a][2]"]), ([";", "a=b"], ["[a][b]"]),
            (["a=\"x;y\""], ["[a][\"x]", "[][y\"]"]),
            (
                ["averylongcookiename=averylongcookievalue; second=2"],
                ["[averylongcookiename][averylongcookievalue]", "[second][2]"]
            ),
        ])
    func areRead(_ values: [String], _ expected: [String]) {
        #expect(pairs(values) == expected)
    }

    @Test("may be many")
    func many() {
        #expect(pairs([String(repeating: ";", count: 10_000) + "a=b"]) == ["[a][b]"])
        #expect(pairs([String(repeating: "a=b;", count: 5_000)]).count == 5_000)
    }
}
