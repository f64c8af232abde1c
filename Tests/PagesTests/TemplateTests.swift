// SPDX-License-Identifier: Apache-2.0

import Pages
import Testing

@Suite("Templates")
struct TemplateTests {
    @Test(
        "Values, sections and comments are written as in mustache",
        arguments: [
            ("a{{x}}b", "aXb"), ("{{ x }}", "X"), ("{{none}}", ""), ("{{#x}}[{{.}}]{{/x}}", "[X]"),
            ("{{#none}}no{{/none}}", ""), ("{{^none}}yes{{/none}}", "yes"), ("{{^x}}no{{/x}}", ""),
            ("{{#empty}}no{{/empty}}{{^empty}}yes{{/empty}}", "yes"), ("{{#on}}yes{{/on}}{{^on}}no{{/on}}", "yes"),
            ("{{#off}}no{{/off}}{{^off}}yes{{/off}}", "yes"), ("{{#list}}{{n}},{{/list}}", "1,2,"),
            ("{{#list}}{{x}}{{/list}}", "XX"), ("{{#list}}{{#x}}{{n}}{{/x}}{{/list}}", "12"),
            ("{{#none}}{{n}}{{/none}}{{n}}", ""), ("{{#texts}}<{{.}}>{{/texts}}", "<p><q>"),
            ("{{^nothing}}none{{/nothing}}", "none"), ("{{#nothing}}no{{/nothing}}", ""),
            ("a{{! {{ } # }}b", "ab"), ("{{! two\nlines }}", ""), ("{ {x} }", "{ {x} }"), ("{{> part}}", "[X]"),
            ("", ""),
            ("{{#on}}{{#x}}{{> part}}{{/x}}{{/on}}", "[X]"), ("ü{{x}}€", "üX€"), ("}}", "}}"),
        ])
    func rendering(source: String, expected: String) throws {
        let template = try Template(source, name: "t", partials: ["part": "[{{x}}]"])
        let values: [String: TemplateValue] = [
            "x": .text("X"), "empty": .text(""), "on": .flag(true), "off": .flag(false),
            "list": .list([["n": .text("1")], ["n": .text("2")]]), "texts": .texts(["p", "q"]), "nothing": .list([]),
        ]
        #expect(String(decoding: template.render(values), as: UTF8.self) == expected)
    }

    @Test(
        "Invalid syntax is an error with its line",
        arguments: [
            ("{{{x}}}", 1, "always escaped"), ("\n{{&x}}", 2, "always escaped"), ("{{=<% %>=}}", 1, "delimiters"),
            ("a\nb{{x", 2, "never closed"), ("{{", 1, "never closed"), ("{{!", 1, "comment"), ("{{}}", 1, "nothing"),
            ("\n\n{{x y}}", 3, "unexpected"), ("{{x.y}}", 1, "no parts"), ("{{x|safe}}", 1, "unexpected"),
            ("{{#x}}\n", 1, "{{#x}} is never closed"), ("\n{{/x}}", 2, "not open"),
            ("{{#x}}\n{{#w}}\n{{/x}}\n{{/w}}", 3, "{{/w}} of line 2 is due"), ("{{> none}}", 1, "no template"),
            ("\n{{> self}}", 1, "includes itself"), ("{{> t}}", 1, "includes itself"), ("\n{{y}}", 2, "no value \"y\""),
            ("{{#y}}{{/y}}", 1, "no value \"y\""), ("{{^y}}{{/y}}", 1, "no value \"y\""),
            ("{{> broken}}", 2, "no value"),
            (String(repeating: "{{#x}}", count: 17) + String(repeating: "{{/x}}", count: 17), 1, "nested"),
            (String(repeating: "a", count: 256 * 1024 + 1), 1, "256 KiB"),
        ])
    func errors(source: String, line: Int, message: String) {
        let error = #expect(throws: TemplateError.self) {
            _ = try Template(
                source, name: "t", partials: ["self": "{{> self}}", "broken": "\n{{z}}", "t": source],
                names: ["w", "x"])
        }
        #expect(error?.line == line)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        if message == "no value" { #expect(error?.template == "broken") }
    }

    @Test("No value can add markup", arguments: hostileTexts)
    func escaping(text: String) throws {
        let template = try Template("<p title=\"{{x}}\" lang='{{x}}'>{{x}}</p>", name: "t")
        let html = String(decoding: template.render(["x": .text(text)]), as: UTF8.self)
        #expect(html.utf8.filter { $0 == UInt8(ascii: "<") }.count == 2)
        #expect(html.utf8.filter { $0 == UInt8(ascii: ">") }.count == 2)
        #expect(html.utf8.filter { $0 == UInt8(ascii: "\"") }.count == 2)
        #expect(html.utf8.filter { $0 == UInt8(ascii: "'") }.count == 2)
        #expect(html.utf8.allSatisfy { $0 >= 0x20 || $0 == 9 || $0 == 10 || $0 == 13 })
        #expect(unescaped(HTMLEscape.escape(text)) == text.replacingControls)
    }

    @Test("Each escaped character has its reference, and other text is unchanged")
    func references() {
        #expect(HTMLEscape.escape("&<>\"'`=") == "&amp;&lt;&gt;&quot;&#39;&#96;&#61;")
        #expect(HTMLEscape.escape("a\tb\nc\rd é € 😀 /;#%") == "a\tb\nc\rd é € 😀 /;#%")
        #expect(HTMLEscape.escape("\u{0}\u{1b}\u{7f}") == "\u{fffd}\u{fffd}\u{fffd}")
    }

    @Test("A template is split into the pieces around one of its values")
    func pieces() throws {
        let template = try Template("<{{x}}{{#url}}[{{url}}|{{url}}]{{/url}}>", name: "t")
        let pieces = template.pieces(around: "url", ["x": .text("&")]).map { String(decoding: $0, as: UTF8.self) }
        #expect(pieces == ["<&amp;[", "|", "]>"])
    }

    private func unescaped(_ html: String) -> String {
        var text = html
        for (reference, character) in [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#96;", "`"), ("&#61;", "="),
            ("&amp;", "&"),
        ] {
            text = text.split(separator: reference, omittingEmptySubsequences: false).joined(separator: character)
        }
        return text
    }
}

extension String {
    fileprivate var replacingControls: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { scalar in
                    switch scalar.value {
                    case 9, 10, 13: scalar
                    case 0..<32, 127: "\u{fffd}"
                    default: scalar
                    }
                }))
    }
}

/// Inputs that have become markup or script in other systems.
let hostileTexts: [String] = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
    "\" autofocus onfocus=alert(1) x=\"",
    "</title><script>alert(1)</script>", "</style><script>alert(1)</script>", "</textarea><svg/onload=alert(1)>",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">", "]]><script>alert(1)</script>", "&lt;script&gt;",
    "&#60;script&#62;",
    "&quot;&gt;&lt;svg&gt;", "`onclick=alert(1)`", "x onclick=alert(1)", "\u{0}<script>", "<scr\u{0}ipt>", "＜script＞",
    "\u{202e}<b>", "<\u{feff}script>", "{{x}}", "{{{x}}}", "{{#x}}", "${7*7}", "<%= 7*7 %>", "\r\n\r\n<html>",
    "<a href=\"javascript:alert(1)\">", "<meta http-equiv=refresh content=0;url=//evil>", "<base href=//evil>",
    "<form action=//evil><button>", "<svg><style>{font-family:'<iframe/onload=confirm()>'", "\u{1b}[31m",
]
