// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Pages

@Suite("The page that keeps a form")
struct KeptFormTests {
    private func html(_ fields: [KeptForm.Field], action: String = "/save") throws -> String {
        let form = try #require(KeptForm(action: action, isMultipart: false, fields: fields))
        return String(
            decoding: try PageRenderer().render(.keptForm(form, hasEnded: true, account: nil, signIn: "/")),
            as: UTF8.self)
    }

    private func html(_ value: [UInt8]) throws -> String {
        try html([KeptForm.Field(name: [0x61], value: value)])
    }

    @Test("UTF-8 stays UTF-8, and everything else is written as windows-1252")
    func charsets() throws {
        let utf8 = try html(Array("ü€😀\u{85}".utf8))
        #expect(utf8.contains("accept-charset=\"utf-8\"") && utf8.contains("value=\"ü€😀\u{85}\""))
        let other = try html([0x41, 0x80, 0x81, 0x9f, 0xa0, 0xff])
        #expect(other.contains("accept-charset=\"windows-1252\"") && other.contains("value=\"A€\u{81}Ÿ\u{a0}ÿ\""))
        // Surrogates and overlong forms are not UTF-8.
        for bytes: [UInt8] in [[0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]] {
            #expect(try html(bytes).contains("windows-1252"))
        }
    }

    @Test("windows-1252 has another character for each byte")
    func bijective() {
        let characters = (UInt8(0x80)...UInt8.max).map { byte in
            [UInt8](capacity: Windows1252.maximumLength) { Windows1252.append(upper: byte, to: &$0) }
        }
        #expect(Set(characters).count == 128)
        #expect(characters.allSatisfy { String(validating: $0, as: UTF8.self)?.unicodeScalars.count == 1 })
    }

    @Test("Nothing in a value ends it, and a parser of HTML changes nothing")
    func escapes() throws {
        #expect(try html(Array("\"'<>&`=".utf8)).contains("value=\"&quot;&#39;&lt;&gt;&amp;&#96;&#61;\""))
        #expect(
            try html([10, 13, 10, 13, 9, 0, 1, 0x1b, 0x7f]).contains(
                "value=\"&#10;&#13;&#10;&#13;\t\u{1}\u{1b}\u{7f}\""))
    }

    @Test("A browser must not overwrite a field named _charset_", arguments: ["_charset_", "_CharSet_"])
    func charsetField(name: String) throws {
        let html = try html([KeptForm.Field(name: Array(name.utf8), value: Array("x".utf8))])
        #expect(html.contains("<select name=\"\(name)\" hidden><option value=\"x\" selected></option></select>"))
        #expect(!html.contains("type=\"hidden\""))
    }

    @Test(
        "An address that leads away has no form", arguments: ["//evil.example/", "javascript:x", "/\\evil.example", ""])
    func addresses(text: String) {
        #expect(KeptForm(action: text, isMultipart: false, fields: []) == nil)
    }

    @Test("The policy lets the app redirect anywhere, and pages of this site frame the form")
    func policy() throws {
        for renderer in [
            try PageRenderer(), try PageRenderer(templates: ["form": "x"], formOrigins: ["https://idp.example"]),
        ] {
            let policy = renderer.formSecurityPolicy
            #expect(policy.hasPrefix("default-src 'none'; ") && !policy.contains("script-src"))
            #expect(policy.contains("form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'self'"))
            #expect(renderer.contentSecurityPolicy.hasSuffix("frame-ancestors 'none'"))
        }
    }
}
