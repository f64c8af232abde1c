// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Proxy
import Reactor
import TestSupport
import Testing

@Suite("Decisions that others must help with")
struct AwaitTests {
    private static let otherSecret = Array("another secret for tokens, 32 b.".utf8)
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    private static func services(_ change: (inout WorkerServices) -> Void) -> WorkerServices {
        var services = WorkerServices()
        change(&services)
        return services
    }

    private static func bearer(_ line: String = "GET /", body: String = "") throws -> String {
        "\(line) HTTP/1.1\r\nHost: app.example\r\nAuthorization: Bearer \(try Stage.mint("bob", secret: otherSecret))\r\n"
            + (body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n") + "\r\n" + body
    }

    /// The keys that `otherSecret` is among, put into force.
    private static func replaceKeys(_ stage: Stage) throws {
        try stage.run { worker in
            let key = try VerificationKey(secret: otherSecret)
            worker.update { $0.replaceKeys(KeySet(keys: [key])) }
        }
    }

    private static func response(_ browser: Wire) throws -> String {
        let head = try browser.receiveHead()
        return head + String(decoding: try browser.receive(Int(head.field("Content-Length") ?? "") ?? 0), as: UTF8.self)
    }

    // MARK: Keys

    @Test(
        "a token with an unknown key waits for the keys, and is judged by the new ones",
        arguments: EventLoop.Kind.allCases)
    func keys(kind: EventLoop.Kind) throws {
        let keys = ScriptedKeys()
        try Stage.run(kind, gate: { $0.provider.hasRemoteKeys = true }, services: Self.services { $0.keys = keys }) {
            stage in
            let browser = try stage.browser()
            // With content that arrives while it waits, and a request after it.
            try browser.send(Self.bearer("POST /", body: "hello") + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
            let (_, done) = try keys.questions.next()
            try stage.settle()
            #expect(try stage.app.isSilent() && browser.isSilent())
            try Self.replaceKeys(stage)
            done(())
            let app = try stage.app.accept()
            #expect(try app.receiveHead().field("X-Forwarded-User") == "bob")
            #expect(try app.receive(like: "hello") == "hello")
            try app.send(Self.ok)
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 200 OK")
            #expect(try Self.response(browser).firstLine == "HTTP/1.1 302 Found")
            #expect(keys.questions.count == 1)
        }
    }

    @Test("a form is judged again with the form", arguments: [true, false])
    func form(isFound: Bool) throws {
        let keys = ScriptedKeys()
        try Stage.run(gate: { $0.provider.hasRemoteKeys = true }, services: Self.services { $0.keys = keys }) { stage in
            let browser = try stage.browser()
            let form = "jwt=" + (try Stage.mint("bob", secret: Self.otherSecret))
            try browser.send(
                "POST /.sidegate/callback HTTP/1.1\r\nHost: app.example\r\n"
                    + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \(form.utf8.count)\r\n\r\n"
                    + form)
            let (_, done) = try keys.questions.next()
            if isFound { try Self.replaceKeys(stage) }
            done(())
            let response = try Self.response(browser)
            #expect(response.firstLine == (isFound ? "HTTP/1.1 303 See Other" : "HTTP/1.1 403 Forbidden"))
            if !isFound { #expect(response.contains("signature_invalid")) }
            #expect(keys.questions.count == 1)
            // The same object serves the next request, which has no form.
            try browser.send("GET /.sidegate/callback HTTP/1.1\r\nHost: app.example\r\n\r\n")
            #expect(try Self.response(browser).contains("token_missing"))
        }
    }

    @Test("where no key can be fetched the token is refused at once")
    func noKeys() throws {
        try Stage.run(gate: { $0.provider.hasRemoteKeys = true }) { stage in
            let browser = try stage.browser()
            try browser.send(Self.bearer())
            #expect(try Self.response(browser).contains("error_description=\"signature_invalid\""))
        }
    }

    @Test("keys that do not arrive in time are not waited for, and may arrive later")
    func lateKeys() throws {
        let keys = ScriptedKeys()
        let services = Self.services {
            $0.keys = keys
            $0.limits.keys = .seconds(1)
        }
        try Stage.run(gate: { $0.provider.hasRemoteKeys = true }, services: services) { stage in
            let browser = try stage.browser()
            try browser.send(Self.bearer())
            let (_, done) = try keys.questions.next()
            #expect(try Self.response(browser).firstLine == "HTTP/1.1 401 Unauthorized")
            // The same object waits again, for another request; the first one's answer is not its.
            try browser.send(Self.bearer("POST /two", body: "x"))
            let (_, second) = try keys.questions.next()
            done(())
            try stage.settle()
            try Self.replaceKeys(stage)
            second(())
            second(())
            let app = try stage.app.accept()
            #expect(try app.receiveHead().firstLine == "POST /two HTTP/1.1")
            try app.send(Self.ok)
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 200 OK")
        }
    }

    /// With dispatch sources only a read finds a reset, so it is found when the wait ends.
    @Test("a client that leaves while keys are fetched leaves nothing behind")
    func gone() throws {
        let keys = ScriptedKeys()
        try Stage.run(gate: { $0.provider.hasRemoteKeys = true }, services: Self.services { $0.keys = keys }) { stage in
            for answersFirst in [true, false] {
                let browser = try stage.browser()
                try browser.send(Self.bearer())
                let (_, done) = try keys.questions.next()
                try Self.replaceKeys(stage)
                if answersFirst {
                    try stage.run { _ in done(()) }
                    browser.reset()
                    // The app may have got it, or not; a connection to it may wait for the next request.
                    try stage.wait { $0.connectionCount == 0 }
                } else {
                    browser.reset()
                    try stage.wait { $0.connectionCount == 0 }
                    done(())
                }
                try stage.settle()
                let other = try stage.browser()
                try other.send("GET /.sidegate/session HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try other.receiveHead().firstLine == "HTTP/1.1 401 Unauthorized")
                try stage.run { worker in
                    let key = try VerificationKey(secret: Stage.secret)
                    worker.update { $0.replaceKeys(KeySet(keys: [key])) }
                }
            }
        }
    }

    // MARK: The app's word

    struct Provisioning: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let outcome: ProvisioningOutcome?
        let status: String
        var content = ""
        let audit: [String]
    }

    @Test(
        "the app decides whether a user is let in",
        arguments: [
            Provisioning(
                testDescription: "notified", outcome: .notified, status: "HTTP/1.1 303 See Other",
                audit: ["provisioned", "login"]),
            Provisioning(testDescription: "known", outcome: .known, status: "HTTP/1.1 303 See Other", audit: ["login"]),
            Provisioning(
                testDescription: "no seat", outcome: .noSeat, status: "HTTP/1.1 403 Forbidden",
                content: "seat_limit_reached", audit: ["denied"]),
            Provisioning(
                testDescription: "failed", outcome: .failed, status: "HTTP/1.1 502 Bad Gateway",
                content: "provisioning_failed", audit: ["denied"]),
            Provisioning(
                testDescription: "no answer", outcome: nil, status: "HTTP/1.1 502 Bad Gateway",
                content: "provisioning_failed", audit: ["denied"]),
        ])
    func provisioning(_ row: Provisioning) throws {
        let provisioner = ScriptedProvisioner()
        let log = TestLog()
        let services = Self.services {
            $0.provisioner = provisioner
            if row.outcome == nil { $0.limits.provisioning = .milliseconds(20) }
        }
        try Stage.run(gate: { $0.provisions = true }, services: services, log: log) { stage in
            let browser = try stage.browser()
            try browser.send(
                "GET /.sidegate/callback?jwt=\(try Stage.mint("ada")) HTTP/1.1\r\nHost: app.example\r\n\r\n")
            let (call, done) = try provisioner.questions.next()
            #expect(call.user == "ada")
            try stage.settle()
            if let outcome = row.outcome {
                #expect(try browser.isSilent())
                done(outcome)
            }
            let response = try Self.response(browser)
            #expect(response.firstLine == row.status)
            #expect(response.contains(row.content) || row.content.isEmpty)
            #expect(Stage.cookie(response).isEmpty == (row.audit.last == "denied"))
            let lines = try log.wait("audit", row.audit.count)
            #expect(lines.count == row.audit.count)
            for (line, event) in zip(lines, row.audit) {
                #expect(line.contains("\"event\":\"\(event)\"") && line.contains("\"user\":\"ada\""), "\(line)")
            }
        }
    }

    @Test("without a provisioner no user is let in")
    func noProvisioner() throws {
        try Stage.run(gate: { $0.provisions = true }) { stage in
            let browser = try stage.browser()
            try browser.send(
                "GET /.sidegate/callback?jwt=\(try Stage.mint("ada")) HTTP/1.1\r\nHost: app.example\r\n\r\n")
            #expect(try Self.response(browser).contains("provisioning_failed"))
        }
    }

    @Test("a client that leaves during provisioning leaves nothing behind")
    func goneWhileTold() throws {
        let provisioner = ScriptedProvisioner()
        try Stage.run(gate: { $0.provisions = true }, services: Self.services { $0.provisioner = provisioner }) {
            stage in
            let browser = try stage.browser()
            try browser.send(
                "GET /.sidegate/callback?jwt=\(try Stage.mint("ada")) HTTP/1.1\r\nHost: app.example\r\n\r\n")
            let (_, done) = try provisioner.questions.next()
            browser.reset()
            try stage.waitUntilEmpty()
            done(.notified)
            try stage.settle()
        }
    }

    // MARK: The replay store

    @Test("a replay store that does not answer counts as unreachable")
    func claim() throws {
        let store = ScriptedReplayStore()
        let services = Self.services { $0.limits.replayStore = .milliseconds(20) }
        try Stage.run(services: services, replayStore: store) { stage in
            let browser = try stage.browser()
            try browser.send(
                "GET /.sidegate/callback?jwt=\(try Stage.mint("ada")) HTTP/1.1\r\nHost: app.example\r\n\r\n")
            let (_, done) = try store.questions.next()
            let response = try Self.response(browser)
            #expect(response.firstLine == "HTTP/1.1 503 Service Unavailable")
            #expect(response.contains("replay_store_unavailable"))
            done(.fresh)
            try stage.settle()
            #expect(try browser.isSilent())
        }
    }

    private static func own(_ line: String, body: String = "") throws -> String {
        "\(line) HTTP/1.1\r\nHost: app.example\r\nAuthorization: Bearer \(try Stage.mint("bob"))\r\n"
            + (body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n") + "\r\n" + body
    }

    @Test(
        "a bearer token is looked up before it is accepted, once a minute",
        arguments: [TokenUse.unused, .lastKnownUnused, .used, .unavailable, nil])
    func tokenUse(use: TokenUse?) throws {
        let store = ScriptedReplayStore()
        let services = Self.services { if use == nil { $0.limits.replayStore = .milliseconds(20) } }
        try Stage.run(services: services, replayStore: store) { stage in
            let browser = try stage.browser()
            let request = try Self.own("POST /", body: "hello")
            try browser.send(request)
            let (_, done) = try store.uses.next()
            try stage.settle()
            #expect(try stage.app.isSilent())
            if let use { done(use) }
            switch use {
            case .unused, .lastKnownUnused:
                let app = try stage.app.accept()
                #expect(try app.receiveHead().field("X-Forwarded-User") == "bob")
                #expect(try app.receive(like: "hello") == "hello")
                try app.send(Self.ok)
                #expect(try browser.receiveHead().firstLine == "HTTP/1.1 200 OK")
                try browser.send(request)
                #expect(try app.receiveHead().field("X-Forwarded-User") == "bob")
                #expect(try app.receive(like: "hello") == "hello")
                try app.send(Self.ok)
                #expect(try browser.receiveHead().firstLine == "HTTP/1.1 200 OK")
                #expect(store.uses.count == 1)
            case .used:
                let response = try Self.response(browser)
                #expect(response.firstLine == "HTTP/1.1 401 Unauthorized")
                #expect(response.contains("replayed"))
            case .unavailable, nil:
                let response = try Self.response(browser)
                #expect(response.firstLine == "HTTP/1.1 503 Service Unavailable")
                #expect(response.contains("replay_store_unavailable"))
            }
        }
    }

    @Test("a sign-in completes when no loop accepts its token as bearer token any more", arguments: [true, false])
    func spent(bearer: Bool) throws {
        let revocations = ScriptedRevocations()
        try Stage.run(
            gate: { $0.provider.bearer = bearer }, services: Self.services { $0.revocations = revocations }
        ) { stage in
            let browser = try stage.browser()
            try browser.send(
                "GET /.sidegate/callback?jwt=\(try Stage.mint("ada")) HTTP/1.1\r\nHost: app.example\r\n\r\n")
            if bearer {
                let (keys, done) = try revocations.spent.next()
                #expect(keys.count == 1)
                try stage.settle()
                #expect(try browser.isSilent())
                done(())
            }
            #expect(try browser.receiveHead().firstLine == "HTTP/1.1 303 See Other")
            #expect(revocations.spent.count == (bearer ? 1 : 0))
        }
    }

    // MARK: Revocations

    private static func logout(_ user: String) throws -> String {
        let form = "logout_token=" + (try Stage.mint(user))
        return "POST /.sidegate/backchannel-logout HTTP/1.1\r\nHost: app.example\r\n"
            + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \(form.utf8.count)\r\n\r\n" + form
    }

    @Test("a logout is answered when all loops know", arguments: [true, false, nil])
    func revocation(isRemembered: Bool?) throws {
        let revocations = ScriptedRevocations()
        let log = TestLog()
        let services = Self.services {
            $0.revocations = revocations
            if isRemembered == nil { $0.limits.revocation = .milliseconds(20) }
        }
        try Stage.run(services: services, log: log) { stage in
            let browser = try stage.browser()
            try browser.send(Self.logout("ada"))
            let (revocation, done) = try revocations.questions.next()
            #expect(revocation.user == "ada")
            try stage.settle()
            if let isRemembered {
                #expect(try browser.isSilent())
                done(isRemembered)
            }
            let response = try Self.response(browser)
            guard isRemembered == true else {
                #expect(response.firstLine == "HTTP/1.1 503 Service Unavailable")
                return
            }
            #expect(response.firstLine == "HTTP/1.1 200 OK")
            #expect(response.field("Cache-Control") == "no-store")
            let line = try #require(try log.wait("audit", 1).first)
            #expect(line.contains("\"event\":\"logout\"") && line.contains("\"reason\":\"backchannel\""))
            #expect(line.contains("\"user\":\"ada\""))
        }
    }

    @Test("a logout token ends sessions once")
    func replayedLogout() throws {
        try Stage.run { stage in
            let browser = try stage.browser()
            let request = try Self.logout("ada")
            try browser.send(request)
            #expect(try Self.response(browser).firstLine == "HTTP/1.1 200 OK")
            try browser.send(request)
            let second = try Self.response(browser)
            #expect(second.firstLine == "HTTP/1.1 400 Bad Request" && second.contains("replayed"))
        }
    }
}
