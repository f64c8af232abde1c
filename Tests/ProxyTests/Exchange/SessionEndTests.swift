// SPDX-License-Identifier: Apache-2.0

import Gate
import Proxy
import Reactor
import TestSupport
import Testing

@Suite("What a session's end closes")
struct SessionEndTests {
    private static let events =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    private static let event = "8\r\ndata: a\n\r\n"
    private static let agree = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"

    /// The browser's end and the app's, of a response under way.
    private static func stream(_ stage: Stage, _ cookie: String, head: String = events) throws -> (Wire, Wire) {
        let browser = try stage.browser()
        try browser.send(Stage.request("GET /events", cookie: cookie))
        let app = try stage.app.accept()
        _ = try app.receiveHead()
        try app.send(head + event)
        _ = try browser.receiveHead()
        #expect(try browser.receive(like: event) == event)
        return (browser, app)
    }

    private static func tunnel(_ stage: Stage, _ cookie: String) throws -> (Wire, Wire) {
        let browser = try stage.browser()
        try browser.send(Stage.request("GET /ws", cookie: cookie, "Upgrade: echo", "Connection: upgrade"))
        let app = try stage.app.accept()
        _ = try app.receiveHead()
        try app.send(agree)
        _ = try browser.receiveHead()
        return (browser, app)
    }

    /// The identity provider signs `user` out.
    private static func signOut(_ stage: Stage, _ user: String) throws {
        let form = "logout_token=" + (try Stage.mint(user))
        let provider = try stage.browser()
        try provider.send(
            "POST /.sidegate/backchannel-logout HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n"
                + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \(form.utf8.count)\r\n\r\n" + form
        )
        #expect(try provider.receiveHead().firstLine == "HTTP/1.1 200 OK")
    }

    @Test(
        "a revocation closes the user's tunnels and streams, and nobody else's", arguments: EventLoop.Kind.allCases)
    func revocation(kind: EventLoop.Kind) throws {
        let log = TestLog()
        try Stage.run(kind, log: log) { stage in
            let (ada, bob) = (try stage.signIn("ada"), try stage.signIn("bob"))
            // A connection between two requests.
            let idle = try stage.browser()
            try idle.send(Stage.request("GET /", cookie: ada))
            let idleApp = try stage.app.accept()
            _ = try idleApp.receiveHead()
            try idleApp.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            _ = try idle.receiveHead()

            let streams = [
                try Self.stream(stage, ada), try Self.tunnel(stage, ada),
                // A download counts too.
                try Self.stream(stage, ada, head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ]
            let others = [try Self.stream(stage, bob), try Self.tunnel(stage, bob)]

            try Self.signOut(stage, "ada")
            for (browser, app) in streams {
                // Cut short: no last chunk.
                #expect(try browser.receiveToEnd() == "")
                #expect(try app.receiveToEnd() == "")
            }
            for (browser, app) in others {
                try app.send(Self.event)
                #expect(try browser.receive(like: Self.event) == Self.event)
            }
            try idle.send(Stage.request("GET /", cookie: ada))
            #expect(try idle.receiveHead().firstLine == "HTTP/1.1 302 Found")
            let cut = try log.wait("access", 8).filter { $0.contains("session_revoked") }
            #expect(cut.count { $0.contains("\"path\":\"/events\"") } == 2)
        }
    }

    @Test("a response that begins after the revocation is ended", arguments: [true, false])
    func beginsLater(isTunnel: Bool) throws {
        try Stage.run { stage in
            let ada = try stage.signIn("ada")
            let browser = try stage.browser()
            try browser.send(
                isTunnel
                    ? Stage.request("GET /ws", cookie: ada, "Upgrade: echo", "Connection: upgrade")
                    : Stage.request("GET /events", cookie: ada))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try Self.signOut(stage, "ada")
            try app.send(isTunnel ? Self.agree + "eager" : Self.events)
            let received = try browser.receiveToEnd()
            #expect(!received.contains("data:"))
            if !isTunnel { #expect(received == "") }
            #expect(try app.receiveToEnd() == "")
            browser.close()
            try stage.waitUntilEmpty()
        }
    }

    @Test("a complete response to a request that was judged before the revocation is sent")
    func whole() throws {
        try Stage.run { stage in
            let ada = try stage.signIn("ada")
            let browser = try stage.browser()
            try browser.send(Stage.request("POST /order", cookie: ada))
            let app = try stage.app.accept()
            _ = try app.receiveHead()
            try Self.signOut(stage, "ada")
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 200 OK")
            #expect(try browser.receive(like: "ok") == "ok")
        }
    }

    @Test("responses to a user who is no longer on the list end, others do not")
    func list() throws {
        let change: (inout GateConfiguration) -> Void = {
            $0.access.users.hasEmailsFile = true
            $0.access.users.listedEmails = ["ada@example.com", "bob@example.com"]
        }
        try Stage.run(gate: change) { stage in
            let (ada, bob) = (try stage.signIn("ada"), try stage.signIn("bob"))
            let streams = [try Self.stream(stage, ada), try Self.tunnel(stage, ada)]
            let others = [try Self.stream(stage, bob), try Self.tunnel(stage, bob)]
            try stage.run { worker in
                worker.update { $0.replaceListedEmails(["bob@example.com"]) }
            }
            for (browser, app) in streams {
                #expect(try browser.receiveToEnd() == "")
                #expect(try app.receiveToEnd() == "")
            }
            for (browser, app) in others {
                try app.send(Self.event)
                #expect(try browser.receive(like: Self.event) == Self.event)
            }
        }
    }

    @Test("tunnels and event streams end with the session, downloads do not", arguments: EventLoop.Kind.allCases)
    func endOfSession(kind: EventLoop.Kind) throws {
        let log = TestLog()
        try Stage.run(kind, gate: { $0.session.lifetime = 2 }, log: log) { stage in
            let ada = try stage.signIn("ada")
            let download = try Self.stream(stage, ada, head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for (browser, app) in [try Self.stream(stage, ada), try Self.tunnel(stage, ada)] {
                #expect(try browser.receiveToEnd() == "")
                #expect(try app.receiveToEnd() == "")
            }
            try download.1.send(Self.event + "0\r\n\r\n")
            #expect(try download.0.receive(like: Self.event) == Self.event)
            let lines = try log.wait("access", 3)
            #expect(lines.contains { $0.contains("\"path\":\"/events\"") && $0.contains("session_expired") })
        }
    }

    @Test("a stream that ends by itself is released, and its object serves others")
    func ended() throws {
        try Stage.run { stage in
            let (ada, bob) = (try stage.signIn("ada"), try stage.signIn("bob"))
            let (browser, app) = try Self.stream(stage, ada)
            try app.send("0\r\n\r\n")
            #expect(try browser.receive(like: "0\r\n\r\n") == "0\r\n\r\n")
            try browser.send(Stage.request("GET /", cookie: bob))
            #expect(try app.receiveHead().field("X-Forwarded-User") == "bob")
            try app.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
            _ = try browser.receiveHead()
            #expect(try browser.receive(like: "part") == "part")
            try Self.signOut(stage, "ada")
            try app.send(" two.")
            #expect(try browser.receive(like: " two.") == " two.")
        }
    }
}
