// SPDX-License-Identifier: Apache-2.0

import Console
import Testing

@Suite("HTML of the console")
struct HTMLTests {
    static let hostile = [
        "<script>alert(1)</script>", "\" onmouseover=\"alert(1)", "' autofocus onfocus='alert(1)",
        "</style><script>x</script>",
        "&lt;b&gt;", "`x`", "a=b", "\u{0}\u{1b}[31m", "-->", "]]>", "javascript:alert(1)",
    ]

    @Test("values are escaped, in content and in attributes", arguments: hostile)
    func escaped(value: String) {
        let html: HTML = "<td title=\"\(value)\">\(value)</td>"
        let text = String(decoding: html.bytes, as: UTF8.self)
        #expect(text.hasPrefix("<td title=\"") && text.hasSuffix("</td>"))
        #expect(text.filter { $0 == "<" }.count == 2)
        #expect(text.filter { $0 == "\"" }.count == 2)
        #expect(!text.contains("'") && !text.unicodeScalars.contains { $0.value < 32 })
    }

    @Test("markup that is put into markup stays as it is")
    func nested() {
        let inner: HTML = "<b>\("<")</b>"
        let html: HTML = "<p>\(inner)\([inner, inner]) \(3)</p>"
        #expect(String(decoding: html.bytes, as: UTF8.self) == "<p><b>&lt;</b><b>&lt;</b><b>&lt;</b> 3</p>")
    }

    @Test(
        "parts of queries are encoded",
        arguments: [
            ("ada", "ada"), ("a b+c", "a%20b%2Bc"), ("ü&=#", "%C3%BC%26%3D%23"), ("\"<>", "%22%3C%3E"),
            ("a.b_c-d~", "a.b_c-d~"),
        ])
    func query(text: String, encoded: String) {
        #expect(QueryText.encode(text) == encoded)
    }
}
