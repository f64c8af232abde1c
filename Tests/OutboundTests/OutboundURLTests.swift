// SPDX-License-Identifier: Apache-2.0

import Outbound
import Testing

@Suite("URLs for outgoing calls")
struct OutboundURLTests {
    @Test(
        "a valid URL is split into its parts",
        arguments: [
            ("http://idp.example", false, "idp.example", 80, "/", "idp.example"),
            ("https://idp.example", true, "idp.example", 443, "/", "idp.example"),
            ("HTTPS://IDP.Example:8443/A/b?C=d", true, "idp.example", 8443, "/A/b?C=d", "idp.example:8443"),
            ("http://idp.example:80/x", false, "idp.example", 80, "/x", "idp.example"),
            ("http://idp.example:443/x", false, "idp.example", 443, "/x", "idp.example:443"),
            ("http://idp?q=1", false, "idp", 80, "/?q=1", "idp"),
            ("http://idp#part", false, "idp", 80, "/", "idp"),
            ("http://idp/a#part?x", false, "idp", 80, "/a", "idp"),
            ("http://[::1]:9/keys", false, "::1", 9, "/keys", "[::1]:9"),
            ("https://[2001:DB8::1]", true, "2001:db8::1", 443, "/", "[2001:db8::1]"),
            ("http://127.0.0.1:1/", false, "127.0.0.1", 1, "/", "127.0.0.1:1"),
            ("http://my_service.ns/%41%c3%a9", false, "my_service.ns", 80, "/%41%c3%a9", "my_service.ns"),
        ])
    func good(text: String, isSecure: Bool, host: String, port: UInt16, target: String, authority: String) throws {
        let url = try #require(OutboundURL(text))
        #expect(url.isSecure == isSecure)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.target == target)
        #expect(url.authority == authority)
    }

    @Test(
        "anything else is rejected",
        arguments: [
            "", "idp.example", "//idp.example", "ftp://idp.example/", "http:/idp.example", "http:idp", "http://",
            "https:///path", "http://?q", "http://user@idp/", "http://user:secret@idp/", "http://idp:/",
            "http://idp:0/",
            "http://idp:65536/", "http://idp:+1/", "http://idp:1:2/", "http://::1/", "http://[::1", "http://[::1]x/",
            "http://[127.0.0.1]/", "http://[::1]:/", "http://[fe80::1%25eth0]/", "http://i dp/", "http://idp/a b",
            "http://idp/\r\nX: y", "http://idp/é", "http://bücher.example/", "http://idp/%", "http://idp/%4",
            "http://idp/%zz", "http://idp/<x>", "http://idp/a\\b", "http://idp\\@evil/", "javascript:alert(1)",
        ])
    func bad(text: String) {
        #expect(OutboundURL(text) == nil)
    }

    @Test("a name or a URL that is too long is rejected")
    func tooLong() {
        let name = String(repeating: "a", count: 253)
        let path = String(repeating: "a", count: 8192 - "http://idp/".count)
        #expect(OutboundURL("http://\(name)/") != nil)
        #expect(OutboundURL("http://\(name)a/") == nil)
        #expect(OutboundURL("http://idp/\(path)") != nil)
        #expect(OutboundURL("http://idp/\(path)a") == nil)
    }

    @Test("the description omits the query")
    func description() {
        #expect(OutboundURL("https://idp/keys?apikey=secret#x")?.description == "https://idp/keys")
    }
}
