// SPDX-License-Identifier: Apache-2.0

import JWT
import Logging
import Outbound
import Reactor
import Sidecar
import Synchronization
import TestSupport
import Testing

@Suite("Key sets that are fetched", .timeLimit(.minutes(5)))
struct RemoteKeysTests {
    @Test("the set is fetched at the start and put into force with the config's own keys")
    func start() async throws {
        let heads = Mailbox<String>()
        let server = try ScriptedServer { connection in
            heads.send(try connection.readHead())
            try connection.answer(200, Self.set("one"))
        }
        let bench = try Bench([server], constant: KeySet(keys: [VerificationKey(secret: Self.secret)]))
        bench.keys.start()
        #expect(try await bench.applied.next() == ["", "one"])
        let head = try await heads.next()
        #expect(head.hasPrefix("GET /jwks.json?secret=x HTTP/1.1\r\n"))
        #expect(head.contains("\r\nAccept: application/jwk-set+json, application/json\r\n"))
        #expect(bench.log.text.contains("key set fetched"))
        #expect(!bench.log.text.contains("secret"))
    }

    @Test("starting waits for nothing, however long the server takes")
    func slow() async throws {
        let goOn = Barrier()
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            goOn.wait()
            try connection.answer(200, Self.set("late"))
        }
        let bench = try Bench([server])
        bench.keys.start()
        // Who wants a key meanwhile waits for the fetch that is on its way.
        let refreshed = Mailbox<Bool>()
        bench.keys.refresh([""], isProven: false) { refreshed.send(true) }
        #expect(bench.applied.isEmpty && refreshed.isEmpty)
        goOn.open()
        #expect(try await bench.applied.next() == ["late"])
        #expect(try await refreshed.next())
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var cause: String
        var script: @Sendable (Connection) throws -> Void
    }

    @Test("an invalid key set changes nothing, is logged, and is fetched again", arguments: failures)
    func failure(_ row: Failure) async throws {
        let requests = Count()
        let server = try ScriptedServer { connection in
            // First a good one, then the failure, then another good one.
            switch requests.increment() {
            case 0:
                _ = try connection.readHead()
                try connection.answer(200, Self.set("one"))
            case 1: try row.script(connection)
            default:
                _ = try connection.readHead()
                try connection.answer(200, Self.set("two"))
            }
        }
        let bench = try Bench([server])
        bench.keys.start()
        #expect(try await bench.applied.next() == ["one"])
        await bench.refresh()
        #expect(bench.log.text.contains(row.cause), "\(bench.log.text)")
        // By itself, after the pause; until then the last good set stays.
        #expect(try await bench.applied.next() == ["two"])
        #expect(bench.log.text.contains("key set changed"))
    }

    static let failures: [Failure] = [
        failure("an error of the server", "status 500") { try $0.answer(500, set("other")) },
        failure("a redirect", "status 302") {
            try $0.write("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")
        },
        failure("nothing", "closed before") { _ in },
        failure("no HTTP", "not a valid HTTP message") { try $0.write("hello\r\n\r\n") },
        failure("no JSON", "JSON") { try $0.answer(200, "<html>") },
        failure("no set", "JWK Set") { try $0.answer(200, "{}") },
        failure("an empty set", "no usable key") { try $0.answer(200, "{\"keys\":[]}") },
        failure("keys for nothing that is allowed", "token.algorithms") {
            let key =
                "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"ec\","
                + "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
                + "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
            try $0.answer(200, "{\"keys\":[\(key)]}")
        },
        failure("more than any set has", "too large") {
            try $0.write("HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n{")
            $0.waitForEnd()
        },
        failure("more than any set has, without saying so", "too large") {
            try $0.write("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: " ", count: 600_000))
        },
        failure("an answer that breaks off", "closed before") {
            try $0.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"keys\":")
        },
    ]

    private static func failure(
        _ name: String, _ cause: String, _ script: @escaping @Sendable (Connection) throws -> Void
    ) -> Failure {
        Failure(testDescription: name, cause: cause) { connection in
            _ = try connection.readHead()
            try script(connection)
        }
    }

    @Test("a fetch that hangs is abandoned, and waiting requests continue with the known keys")
    func hanging() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            connection.waitForEnd()
        }
        let bench = try Bench([server])
        bench.keys.start()
        await bench.refresh()
        #expect(bench.applied.isEmpty)
        #expect(bench.log.text.contains("no complete answer in time"))
    }

    @Test("a server that is away at the start is asked again until it is there")
    func outage() async throws {
        let requests = Count()
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            if requests.increment() < 2 { return }
            try connection.answer(200, Self.set("one"))
        }
        let bench = try Bench([server])
        bench.keys.start()
        #expect(try await bench.applied.next() == ["one"])
        #expect(requests.now == 3)
    }

    @Test("a storm of tokens with unknown keys brings one fetch, and all go on")
    func storm() async throws {
        let requests = Count()
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            requests.increment()
            try connection.answer(200, Self.set("one"))
        }
        let bench = try Bench([server])
        bench.keys.start()
        #expect(try await bench.applied.next() == ["one"])
        let done = Mailbox<Bool>()
        for _ in 0..<2000 { bench.keys.refresh([""], isProven: false) { done.send(true) } }
        #expect(try await done.next(2000).count == 2000)
        // One at the start, one on demand; the same set again is not put into force again.
        #expect(requests.now == 2)
        #expect(bench.applied.isEmpty)
    }

    @Test("a stranger's token takes no fetch from a sign-in, and sign-ins beyond their budget wait for the next one")
    func strangers() async throws {
        let requests = Count()
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(200, Self.set("key \(requests.increment())"))
        }
        let bench = try Bench([server])
        bench.keys.start()
        #expect(try await bench.applied.next() == ["key 0"])
        await bench.refresh()
        #expect(try await bench.applied.next() == ["key 1"])
        await bench.refresh()
        #expect(bench.applied.isEmpty, "the budget of strangers is spent")
        // More than the budget; each finds the keys that are published by then.
        for number in 2..<7 {
            await bench.refresh(isProven: true)
            #expect(try await bench.applied.next() == ["key \(number)"])
        }
        #expect(requests.now == 7)
    }

    @Test("a key that is new is in force before those who waited for it go on")
    func changed() async throws {
        let requests = Count()
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(200, Self.set(requests.increment() == 0 ? "old" : "new"))
        }
        let bench = try Bench([server])
        bench.keys.start()
        #expect(try await bench.applied.next() == ["old"])
        let goneOn = Mailbox<Int>()
        bench.hold.begin()
        bench.keys.refresh([""], isProven: false) { goneOn.send(1) }
        #expect(try await bench.applied.next() == ["new"])
        // Not until the loops have it. One that was judged by the old keys waits as well, and has nothing fetched.
        bench.keys.refresh([""], isProven: true) { goneOn.send(2) }
        let asked = Mailbox<Bool>()
        bench.keys.refresh(["nobody"], isProven: true) { asked.send(true) }
        #expect(try await asked.next())
        #expect(goneOn.isEmpty)
        bench.hold.end()
        #expect(try await goneOn.next(2) == [1, 2])
        #expect(requests.now == 2)
    }

    @Test("a broken key in a set does not take the others down")
    func lenient() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            let broken = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"broken\",\"x\":\"AAAA\"}"
            let keys = [broken, Self.key("one"), Self.key("one"), Self.key("two")].joined(separator: ",")
            try connection.answer(200, "{\"keys\":[\(keys)]}")
        }
        let bench = try Bench([server])
        bench.keys.start()
        let keys = try await bench.applied.next()
        #expect(keys.contains("two") && !keys.contains("broken"))
        #expect(bench.log.text.contains("key ignored in a key set"))
    }

    @Test("one source that fails does not keep the others out")
    func several() async throws {
        let good = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(200, Self.set("one"))
        }
        let bad = try ScriptedServer { _ in }
        let bench = try Bench([bad, good])
        bench.keys.start()
        #expect(try await bench.applied.next() == ["one"])
        await bench.refresh()
        #expect(bench.applied.isEmpty)
    }

    @Test("an unknown key is fetched for its own provider alone, and waits for nobody else's server")
    func ownProvider() async throws {
        let (asked, others, goOn) = (Count(), Count(), Barrier())
        let underWay = Mailbox<Void>()
        let own = try ScriptedServer { connection in
            _ = try connection.readHead()
            asked.increment()
            try connection.answer(200, Self.set("own"))
        }
        let other = try ScriptedServer { connection in
            _ = try connection.readHead()
            others.increment()
            underWay.send()
            goOn.wait()
            try connection.answer(200, Self.set("other"))
        }
        let loop = EventLoop(label: "test.services")
        let applied = Mailbox<String>()
        let providers = try [("own", own), ("other", other)].map { name, server in
            RemoteKeys.Provider(
                name, [RemoteKeys.Source(try #require(OutboundURL("http://127.0.0.1:\(server.port)/")))],
                constant: KeySet(keys: []), algorithms: [.edDSA])
        }
        let keys = RemoteKeys(
            providers, loop: loop, resolver: Resolver(), logger: TestLog().logger, chance: { 0 },
            apply: { keys, name, done in
                done()
                applied.send(name + " " + keys.keys.map { $0.keyID ?? "" }.joined())
            })
        keys.start()
        #expect(try await applied.next() == "own own")
        // While the other's fetch is on its way.
        try await underWay.next()
        let done = Mailbox<String>()
        keys.refresh(["own"], isProven: false) { done.send("own") }
        #expect(try await done.next() == "own")
        #expect(asked.now == 2 && others.now == 1 && applied.isEmpty)
        keys.refresh(["nobody"], isProven: false) { done.send("nobody") }
        #expect(try await done.next() == "nobody")
        keys.refresh(["own", "other"], isProven: false) { done.send("both") }
        keys.refresh([""], isProven: false) { done.send("none") }
        #expect(try await done.next() == "none" && done.isEmpty)
        goOn.open()
        #expect(try await applied.next() == "other other")
        #expect(try await done.next() == "both")
        #expect(asked.now == 2 && others.now == 1)
        keys.stop()
        loop.shutDown()
    }

    // MARK: The stage

    private static let secret = Array("a secret for tokens, of 32 bytes".utf8)

    private static func key(_ id: String) -> String {
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"\(id)\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
    }

    private static func set(_ id: String) -> String { "{\"keys\":[\(key(id))]}" }

    private final class Bench: Sendable {
        let keys: RemoteKeys
        /// The names of the keys that were put into force, each time.
        let applied = Mailbox<[String]>()
        let log = TestLog()
        /// Loops that take their time to apply keys.
        let hold = Hold()
        private let loop = EventLoop(label: "test.services")

        init(_ servers: [ScriptedServer], constant: KeySet = KeySet(keys: [])) throws {
            let urls = try servers.map {
                try #require(OutboundURL("http://127.0.0.1:\($0.port)/jwks.json?secret=x"))
            }
            let (loop, applied, log, hold) = (loop, applied, log, hold)
            keys = RemoteKeys(
                [
                    RemoteKeys.Provider(
                        "", urls.map { RemoteKeys.Source($0) }, constant: constant, algorithms: [.hs256, .edDSA])
                ], loop: loop, resolver: Resolver(), logger: log.logger, chance: { 0 },
                apply: { keys, _, done in
                    hold.perform(done)
                    applied.send(keys.keys.map { $0.keyID ?? "" })
                })
        }

        deinit {
            keys.stop()
            loop.shutDown()
        }

        func refresh(isProven: Bool = false) async {
            let done = Mailbox<Bool>()
            keys.refresh([""], isProven: isProven) { done.send(true) }
            _ = try? await done.next()
        }
    }

    private final class Hold: Sendable {
        private let held: Mutex<[@Sendable () -> Void]?> = Mutex(nil)

        func begin() { held.withLock { $0 = [] } }

        func end() {
            let work = held.withLock { held in
                defer { held = nil }
                return held ?? []
            }
            for item in work { item() }
        }

        func perform(_ work: @escaping @Sendable () -> Void) {
            let isHeld = held.withLock { held in
                held?.append(work)
                return held != nil
            }
            if !isHeld { work() }
        }
    }
}
