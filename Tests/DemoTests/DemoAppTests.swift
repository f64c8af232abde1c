// SPDX-License-Identifier: Apache-2.0

import Demo
import HTTP
import HTTP1
import Testing

@Suite("The demo's application")
struct DemoAppTests {
    private let app = DemoApp(publicURL: "http://127.0.0.1:8080", providerURL: "http://127.0.0.1:8081")

    @Test("It shows the user's identity, and every header")
    func identity() throws {
        let response = try get(
            "/reports?x=1",
            "X-Forwarded-User: ada\r\nX-Forwarded-Email: ada@example.com\r\nX-Forwarded-Groups: admins,engineers\r\n"
                + "X-Forwarded-Preferred-Username: ada.l\r\nX-Request-ID: r-1\r\n")
        let html = response.text
        #expect(response.status == 200)
        for text in [
            "<h1>Hello, Ada.l</h1>", "<td>ada@example.com</td>", "<td>admins,engineers</td>", "<td>r-1</td>",
            "<td>/reports?x&#61;1</td>", "href=\"/.sidegate/logout\"", "curl -i", "enctype=\"multipart/form-data\"",
        ] { #expect(html.contains(text), "\(text)") }
        #expect(!html.contains("<script") && !html.contains("Sign in</a>"))
    }

    @Test("Without identity it offers to sign in and return")
    func stranger() throws {
        let html = try get("/public/about?a=b", "").text
        #expect(html.contains("href=\"/.sidegate/login?return_to&#61;%2Fpublic%2Fabout%3Fa%3Db\">Sign in</a>"))
        #expect(!html.contains("Hello") && !html.contains("as the application was told"))
    }

    @Test("Headers and paths are shown as text")
    func hostile() throws {
        let html = try get(
            "/%3Cscript%3E?'\"", "X-Forwarded-User: <script>alert(1)</script>\r\nX-Evil: \"><img src=x>\r\n"
        ).text
        #expect(!html.contains("<script") && !html.contains("<img"))
        #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    }

    @Test("Identity as JSON, escaped")
    func json() throws {
        let response = try get("/api/me", "X-Forwarded-User: a\"d\\a\r\nX-Other: no\r\n")
        #expect(response.text == "{\"x-forwarded-user\":\"a\\\"d\\\\a\"}\n")
        #expect(response.field("Content-Type") == "application/json")
        #expect(try get("/api/me", "").text == "{}\n")
    }

    @Test("An upload is reported by size, type and hash")
    func upload() throws {
        let head = try RequestHead(
            parsing: "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n")
        let html = app.respond(to: head, body: Array("abc".utf8), now: 0).text
        #expect(html.contains("<td>3</td>") && html.contains("<td>text/plain</td>"))
        #expect(html.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
        let form = try RequestHead(
            parsing: "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                + "Content-Length: 13\r\n\r\n")
        #expect(app.respond(to: form, body: Array("note=%3Cb%3E+".utf8), now: 0).text.contains("<td>&lt;b&gt; </td>"))
    }

    @Test("Another method gets the page with 405, and there is no icon")
    func others() throws {
        let head = try RequestHead(parsing: "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(app.respond(to: head, body: [], now: 0).status == 405)
        #expect(try get("/favicon.ico", "").status == 404)
    }

    private func get(_ target: String, _ fields: String) throws -> LocalResponse {
        let head = try RequestHead(parsing: "GET \(target) HTTP/1.1\r\nHost: app\r\n\(fields)\r\n")
        return app.respond(to: head, body: [], now: 0)
    }
}
