// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import Testing

@Suite("Our own paths")
struct ReservedPathTests {
    @Test(
        "CVE-2019-9901, CVE-2026-26205: no spelling that an app server could resolve to one of ours is forwarded",
        arguments: [
            "/.sidegate", "/.sidegate/", "/.sidegate/x", "/.sidegate/login/", "/.sidegate/login/x", "/.sidegate//login",
            "//.sidegate/login", "/.SIDEGATE/login", "/.Sidegate/session", "/%2esidegate/login", "/%2Esidegate/session",
            "/.%73idegate/login", "/.sidegate%2flogin", "/.sidegate%2Flogin", "/%252esidegate/login",
            "/.sidegate%252flogin",
            "/./.sidegate/login", "/a/../.sidegate/login", "/a/%2e%2e/.sidegate/login", "/a/..%2f.sidegate/login",
            "/a/%252e%252e/.sidegate/x", "/.sidegate;a=b/login", "/a/..;/.sidegate/login", "/;/.sidegate/login",
            "/;x=y/.sidegate/login",
            "/.sidegate\\login", "/\\.sidegate/login", "/a/..\\.sidegate/login", "/a\\..\\.sidegate/login",
            "/%5c.sidegate/login",
            "/.sidegate%00/login", "/.sidegate%20/login", "/.sidegate./login", "/.sidegate%2e/login",
            "/.sidegate/../.sidegate/x",
            "/.sidegate/Auth", "/.sidegate/authx", "/.sidegate/jwks.json", "/.sidegate/backchannel-logout/",
            "/.sidegate/assets/x.css",
            "/.sidegate/LOGIN", "/.sidegate/../x", "/.sidegate/callback/", "/.sidegate/%63allback",
            "/.side%93gate/login", "/.%ffsidegate/session", "/%80.sidegate/x", "/.sidegate%C5%d5/session",
            "/%93/.sidegate/x",
            "/.sidegate%E2%80%8B/session", "/.side%C2%ADgate/login", "/.%25%9373idegate/session",
            "/.s%2593idegate/session",
            "/a/.%93./.sidegate/login", "/.sidegate%93%2flogin", "/.%EF%BC%8573idegate/session",
            "/.%E2%93%E2%80%8B%A2idegate/x",
        ])
    func reserved(_ path: String) throws {
        let browser = try Browser()
        try browser.signIn()
        for method in ["GET", "POST", "OPTIONS"] {
            let answer = try #require(browser.send(method, path, ["Content-Length: 0"]).answer, "\(path)")
            // Where readers differ about the path it is refused as such.
            #expect(answer.status == 404 || answer.status == 400)
        }
    }

    @Test(
        "a return path of the config's own is kept from the app likewise",
        arguments: [
            "/Access/JWT", "/access//jwt", "/access/%6Awt", "/x/../access/jwt", "/access/jwt/", "/access/jwt;x",
            "/ACCESS/./jwt", "/access/j%93wt", "/acce%E2%80%8Bss/jwt", "/access/jwt%ff",
        ])
    func configuredReturnPath(_ path: String) throws {
        let browser = try Browser { $0.provider.returnPath = "/access/jwt" }
        let status = try browser.get(path).status
        #expect(status == 404 || status == 400)
        #expect(try browser.get("/access/jwt").status == 400)
    }

    @Test(
        "paths that only resemble ours are the app's",
        arguments: [
            "/sidegate/login", "/.sidegatex", "/.sidegate-x/login", "/a/.sidegate/login", "/.well-known/x", "/sidegate",
            "/..sidegate/",
            "/access/jwtx", "/%25", "/a%20b/./c", "/accessjwt", "/index.php/.sidegate",
            "/caf%E9", "/%93/x", "/a/.%93./b", "/sidegat%E9/x", "/%C3%A9t%C3%A9/%00", "/%C0%E1/x",
        ])
    func apps(_ path: String) throws {
        let browser = try Browser()
        try browser.signIn()
        #expect(try browser.get(path).user == "ada")
    }

    @Test("what cannot be served is answered with a page that is stored nowhere, or JSON")
    func pages() throws {
        let gate = Gate(try configuration(), random: Sequence().bytes)
        let context = RequestContext(peer: nil, now: noon)
        let html = AccessRequest(
            try RequestHead(parsing: "GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n"), context,
            id: Array("r-1".utf8))
        let json = AccessRequest(
            try RequestHead(parsing: "GET / HTTP/1.1\r\nHost: a\r\nAccept: application/problem+json\r\n\r\n"),
            context, id: Array("r-1".utf8))
        let unread = AccessRequest()
        for status in [UInt16(502), 504] {
            let page = Reply(response: gate.responses.upstreamFailure(status, of: html))
            #expect(page.status == status && page["cache-control"] == "no-store")
            #expect(page.body.contains("r-1") && page["content-type"] == "text/html; charset=utf-8")
            let document = Reply(response: gate.responses.upstreamFailure(status, of: json))
            #expect(document.status == status && document.body.contains("\"request_id\":\"r-1\""))
        }
        for status in [UInt16(400), 408, 413, 414, 431, 501, 505] {
            let page = Reply(response: gate.responses.badRequest(status, of: unread))
            #expect(page.status == status && page.response.closesConnection && !page.body.isEmpty)
            let document = Reply(response: gate.responses.badRequest(status, of: json))
            #expect(document["content-type"] == "application/json")
        }
    }
}
