// SPDX-License-Identifier: Apache-2.0

import Reactor
import Redis
import Synchronization
import Testing

/// A sentinel whose answer can be changed, and that can report a failover.
private final class ScriptedSentinel: Sendable {
    let server: ScriptedRedis

    init(_ first: SocketAddress, others: String = "*0\r\n") throws {
        let named = SharedAddress(first)
        server = try ScriptedRedis { command, _ in
            switch command {
            case "SENTINEL GET-MASTER-ADDR-BY-NAME main": Self.reply(named.value)
            case "SENTINEL SENTINELS main": others
            case "SUBSCRIBE +switch-master": "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n"
            default: "+PONG\r\n"
            }
        }
        current = named
    }

    private let current: SharedAddress

    func name(_ address: SocketAddress) { current.value = address }

    func reportSwitch(from old: SocketAddress? = nil, to address: SocketAddress) {
        let text = "main 127.0.0.1 \(old?.port ?? 1) 127.0.0.1 \(address.port ?? 0)"
        server.sendToAll("*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$\(text.utf8.count)\r\n\(text)\r\n")
    }

    private static func reply(_ address: SocketAddress) -> String {
        let port = String(address.port ?? 0)
        return "*2\r\n$9\r\n127.0.0.1\r\n$\(port.utf8.count)\r\n\(port)\r\n"
    }
}

private final class SharedAddress: Sendable {
    private let address: Mutex<SocketAddress>

    init(_ address: SocketAddress) { self.address = Mutex(address) }

    var value: SocketAddress {
        get { address.withLock { $0 } }
        set { address.withLock { $0 = newValue } }
    }
}

@Suite("The primary that sentinels name")
struct SentinelLocatorTests {
    /// A server that answers each command with its own name.
    private static func server(_ name: String, isPrimary: Bool = true) throws -> ScriptedRedis {
        try ScriptedRedis { command, _ in
            switch command {
            case "ROLE":
                isPrimary
                    ? "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
                    : "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:0\r\n"
            case "PING": "+PONG\r\n"
            default: "+\(name)\r\n"
            }
        }
    }

    private static func client(_ sentinels: [SocketAddress], _ log: EventLog) -> Client {
        var configuration = RedisSentinelConfiguration(
            sentinels: sentinels.map { .host("127.0.0.1", port: $0.port ?? 0) }, master: "main")
        configuration.timeout = .seconds(20)
        let locator = RedisSentinelLocator(
            configuration, loop: EventLoop(label: "test.redis.sentinels"), resolver: Resolver()
        ) { log.add($0) }
        locator.start()
        return Client(sentinels[0], timeout: 20_000) { $0.place = .primary(locator) }
    }

    private static func name(_ outcomes: [Client.Outcome]) -> String {
        guard case .success(.simple(let text))? = outcomes.first else { return "\(outcomes)" }
        return String(decoding: text, as: UTF8.self)
    }

    /// The server that answers, as soon as it is `expected`.
    private static func answers(
        _ client: Client, as expected: String, before: () -> Void = {}
    ) async throws -> Bool {
        // Finds hangs only.
        let end = MonotonicTime.current().advanced(by: .seconds(30))
        while MonotonicTime.current() < end {
            before()
            if name(try await client.send(["WHO"])) == expected { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    @Test("a connection leads to the primary, and leaves it when a sentinel reports a failover, though it looks alive")
    func failover() async throws {
        let (first, second) = (try Self.server("first"), try Self.server("second"))
        let sentinel = try ScriptedSentinel(first.address)
        let log = EventLog()
        let client = Self.client([sentinel.server.address], log)
        #expect(try await Self.answers(client, as: "first"))
        #expect(log.all.contains(.primary(.host("127.0.0.1", port: first.address.port ?? 0), was: nil)))
        // The sentinel goes on naming the old one, as one does that has not heard of it.
        #expect(try await sentinel.server.hasSubscriber())
        #expect(
            try await Self.answers(client, as: "second") {
                // Again each time, since a subscription may have been lost meanwhile.
                sentinel.reportSwitch(to: second.address)
            })
        #expect(log.failovers == 1)
    }

    @Test("a switch back is acted on, though it follows another one, and whatever the sentinel answers")
    func backAgain() async throws {
        let (first, second) = (try Self.server("first"), try Self.server("second"))
        let sentinel = try ScriptedSentinel(first.address)
        let client = Self.client([sentinel.server.address], EventLog())
        #expect(try await Self.answers(client, as: "first"))
        #expect(try await sentinel.server.hasSubscriber())
        #expect(
            try await Self.answers(client, as: "second") {
                sentinel.reportSwitch(from: first.address, to: second.address)
            })
        #expect(
            try await Self.answers(client, as: "first") {
                sentinel.reportSwitch(from: second.address, to: first.address)
            })
    }

    @Test("any sentinel may be the first that reports a failover, also one that another one has named")
    func anyReports() async throws {
        let (first, second) = (try Self.server("first"), try Self.server("second"))
        let other = try ScriptedSentinel(first.address)
        let port = String(other.server.address.port ?? 0)
        let fields = "*4\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$4\r\nport\r\n$\(port.utf8.count)\r\n\(port)\r\n"
        let named = try ScriptedSentinel(first.address, others: "*1\r\n\(fields)")
        let client = Self.client([named.server.address], EventLog())
        #expect(try await Self.answers(client, as: "first"))
        #expect(try await other.server.hasSubscriber())
        #expect(
            try await Self.answers(client, as: "second") {
                other.reportSwitch(from: first.address, to: second.address)
            })
    }

    @Test("a message that was lost is made up for by asking again")
    func asksAgain() async throws {
        let (first, second) = (try Self.server("first"), try Self.server("second"))
        let sentinel = try ScriptedSentinel(first.address)
        let client = Self.client([sentinel.server.address], EventLog())
        #expect(try await Self.answers(client, as: "first"))
        sentinel.name(second.address)
        #expect(try await Self.answers(client, as: "second"))
    }

    @Test("a replica is not used: the next sentinel is asked")
    func stale() async throws {
        let (old, new) = (try Self.server("old", isPrimary: false), try Self.server("new"))
        let (liar, honest) = (try ScriptedSentinel(old.address), try ScriptedSentinel(new.address))
        let client = Self.client([liar.server.address, honest.server.address], EventLog())
        #expect(try await Self.answers(client, as: "new"))
    }

    @Test("while no sentinel answers, the last primary stays in use; without one the cause is that of the sentinels")
    func alone() async throws {
        let gone = try ListeningSocket(SocketAddress.v4(0x7f00_0001, port: 0), sharesPort: false).address
        let log = EventLog()
        let outcomes = try await Self.client([gone], log).send(["WHO"])
        guard case .failure(.unreachable(let cause))? = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(cause.contains("no sentinel names the primary"))
        #expect(log.all.contains { if case .unreachable(_, last: nil) = $0 { true } else { false } })
    }
}

private final class EventLog: Sendable {
    private let events = Mutex<[RedisSentinelEvent]>([])

    func add(_ event: RedisSentinelEvent) { events.withLock { $0.append(event) } }

    var all: [RedisSentinelEvent] { events.withLock { $0 } }

    var failovers: Int { all.count { if case .primary(_, was: .some) = $0 { true } else { false } } }
}
