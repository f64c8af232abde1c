// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate
import Logging
import Outbound
import Proxy
import Reactor
import Sidecar
import TestSupport
import Testing

@Suite("Telling the app of users", .timeLimit(.minutes(5)))
struct HTTPProvisionerTests {
    @Test("the app gets the fields, signed, and says yes")
    func call() async throws {
        let requests = Mailbox<(head: String, body: String)>()
        let server = try ScriptedServer { connection in
            requests.send(try connection.readRequest())
            try connection.answer(201, "{}")
        }
        let bench = try Bench(server, secret: "a secret between us")
        #expect(await bench.provision("ada", body: #"{"user":"ada"}"#) == .notified)
        let (head, body) = try await requests.next()
        #expect(body == #"{"user":"ada"}"#)
        let code = Hex.encodeToString(
            HMACKey(Array("a secret between us".utf8).span, .sha256).authenticationCode(for: Array(body.utf8).span))
        let lines = Set(head.split(separator: "\r\n").map(String.init))
        #expect(lines.contains("POST /provision HTTP/1.1"))
        for line in [
            "Content-Type: application/json", "Idempotency-Key: ada/{\"user\":\"ada\"}", "X-Request-ID: id-1",
            "X-Sidegate-Signature: sha256=\(code)", "Content-Length: 14",
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(!bench.log.text.contains("secret"))
    }

    @Test("without a secret nothing is signed")
    func unsigned() async throws {
        let heads = Mailbox<String>()
        let server = try ScriptedServer { connection in
            heads.send(try connection.readRequest().head)
            try connection.answer(204, "")
        }
        #expect(try await Bench(server).provision("ada") == .notified)
        #expect(!(try await heads.next()).contains("Signature"))
    }

    @Test("the app is notified of a user once, and of other users separately", arguments: [false, true])
    func remembered(eachLogin: Bool) async throws {
        let count = Count()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            count.increment()
            try connection.answer(200, "")
        }
        let bench = try Bench(server, eachLogin: eachLogin)
        for _ in 0..<3 {
            let again: ProvisioningOutcome = eachLogin || count.now == 0 ? .notified : .known
            #expect(await bench.provision("ada") == again)
        }
        #expect(await bench.provision("bob") == .notified)
        #expect(count.now == (eachLogin ? 4 : 2))
    }

    @Test(
        "no seat is no seat, and not remembered: the next sign-in asks again",
        arguments: [402, 403, 409])
    func noSeat(status: Int) async throws {
        let count = Count()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.answer(count.increment() == 0 ? status : 200, "")
        }
        let bench = try Bench(server)
        #expect(await bench.provision("ada") == .noSeat)
        #expect(await bench.provision("ada") == .notified)
    }

    @Test("temporary failures are retried, with the same key", arguments: ["500", "429", "408", "silent"])
    func again(answer: String) async throws {
        let keys = Mailbox<String>()
        let count = Count()
        let server = try ScriptedServer { connection in
            let head = try connection.readRequest().head
            keys.send(head.split(separator: "\r\n").first { $0.hasPrefix("Idempotency-Key") }.map(String.init) ?? "")
            guard count.increment() < 2 else { return try connection.answer(200, "") }
            if let status = Int(answer) { try connection.answer(status, "") }
        }
        let bench = try Bench(server)
        #expect(await bench.provision("ada") == .notified)
        #expect(Set(try await keys.next(3)).count == 1)
        #expect(bench.log.text.contains("provisioning of a user will be retried"))
        #expect(!bench.log.text.contains("ada@example.com"))
    }

    @Test("three attempts, then it has failed; the next sign-in starts over")
    func failed() async throws {
        let count = Count()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.answer(count.increment() < 3 ? 503 : 200, "")
        }
        let bench = try Bench(server)
        #expect(await bench.provision("ada") == .failed)
        #expect(count.now == 3)
        #expect(bench.log.text.contains("provisioning of a user failed"))
        #expect(await bench.provision("ada") == .notified)
    }

    @Test("permanent failures are not retried", arguments: [301, 400, 401, 404, 422])
    func atOnce(status: Int) async throws {
        let count = Count()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            count.increment()
            try connection.answer(status, "", "Location: /elsewhere\r\n")
        }
        #expect(try await Bench(server).provision("ada") == .failed)
        #expect(count.now == 1)
    }

    @Test("sign-ins of one user at the same time are one call")
    func together() async throws {
        let count = Count()
        let goOn = Barrier()
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            count.increment()
            goOn.wait()
            try connection.answer(200, "")
        }
        let bench = try Bench(server)
        let outcomes = Mailbox<ProvisioningOutcome>()
        for _ in 0..<100 { bench.begin("ada") { outcomes.send($0) } }
        // Another one does not wait for her.
        bench.begin("bob") { outcomes.send($0) }
        goOn.open()
        let all = try await outcomes.next(101)
        #expect(all.count { $0 == .notified } == 2 && all.count { $0 == .known } == 99)
        #expect(count.now == 2)
    }

    @Test("with a call at each sign-in, other fields of the same user follow in order, not beside")
    func fields() async throws {
        let bodies = Mailbox<String>()
        let goOn = Barrier()
        let server = try ScriptedServer { connection in
            bodies.send(try connection.readRequest().body)
            goOn.wait()
            try connection.answer(200, "")
        }
        let bench = try Bench(server, eachLogin: true)
        let outcomes = Mailbox<ProvisioningOutcome>()
        for body in ["1", "1", "2", "3"] { bench.begin("ada", body: body) { outcomes.send($0) } }
        goOn.open()
        #expect(try await outcomes.next(4) == [.notified, .known, .notified, .known])
        // The last of those that came meanwhile is how the user is.
        #expect(try await bodies.next(2) == ["1", "3"])
        #expect(bodies.isEmpty)
    }

    @Test("many users at once all come in, by a bounded number of connections")
    func crowd() async throws {
        let (open, tooMany) = (Count(), Count())
        let server = try ScriptedServer { connection in
            if open.increment() >= 32 { tooMany.increment() }
            _ = try connection.readRequest()
            // Before the answer: after it the next one may come at any time.
            open.decrement()
            try connection.answer(200, "")
        }
        let bench = try Bench(server)
        let outcomes = Mailbox<ProvisioningOutcome>()
        for number in 0..<300 { bench.begin("user \(number)") { outcomes.send($0) } }
        #expect(try await outcomes.next(300).allSatisfy { $0 == .notified })
        #expect(tooMany.now == 0)
    }

    @Test("more than can wait are refused, not kept")
    func tooMany() async throws {
        let server = try ScriptedServer { $0.waitForEnd() }
        let bench = try Bench(server)
        let outcomes = Mailbox<ProvisioningOutcome>()
        for number in 0..<4097 { bench.begin("user \(number)") { outcomes.send($0) } }
        #expect(try await outcomes.next() == .failed)
        // Of the others some may have failed by now too, but for another cause.
        #expect(bench.log.text.split(separator: "\n").filter { $0.contains("too many sign-ins wait") }.count == 1)
    }

    // MARK: The stage

    private final class Bench: Sendable {
        let log = TestLog()
        private let provisioner: HTTPProvisioner
        private let loop = EventLoop(label: "test.services")

        init(_ server: ScriptedServer, secret: String? = nil, eachLogin: Bool = false) throws {
            let url = try #require(OutboundURL("http://127.0.0.1:\(server.port)/provision"))
            let loop = loop
            provisioner = HTTPProvisioner(
                url, secret: secret.map { Array($0.utf8) }, eachLogin: eachLogin, loop: loop,
                resolver: Resolver(), tls: nil, logger: log.logger)
        }

        deinit {
            loop.shutDown()
        }

        func begin(_ user: String, body: String = "{}", _ done: @escaping @Sendable (ProvisioningOutcome) -> Void) {
            let call = ProvisioningCall(
                user: user + "@example.com", userKey: SHA256.hash(Array(user.utf8).span),
                idempotencyKey: "\(user)/\(body)", body: Array(body.utf8), requestID: "id-1")
            provisioner.provision(call, done)
        }

        func provision(_ user: String, body: String = "{}") async -> ProvisioningOutcome {
            let outcome = Mailbox<ProvisioningOutcome>()
            begin(user, body: body) { outcome.send($0) }
            return (try? await outcome.next()) ?? .failed
        }
    }
}
