// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization
import Testing

@testable import Redis

/// One client, and the results of its commands.
final class Client: Sendable {
    typealias Outcome = Result<RESPValue, RedisFailure>

    private let loop = EventLoop(label: "test.redis.client")
    private let connection: LoopBound<Slot<RedisConnection>>
    private let outcomes = Mutex<[Int: Outcome]>([:])
    private let events = Mutex<[RedisEvent]>([])

    init(
        _ address: SocketAddress, timeout: UInt64 = 200,
        _ change: @escaping @Sendable (inout RedisConfiguration) -> Void = { _ in }
    ) {
        connection = loop.bind(Slot<RedisConnection>())
        loop.submit { [self] in
            var configuration = RedisConfiguration(.host("127.0.0.1", port: address.port ?? 0))
            configuration.timeout = .milliseconds(timeout)
            change(&configuration)
            let made = RedisConnection(
                configuration, loop: loop, resolver: Resolver(),
                report: { [self] event in events.withLock { $0.append(event) } })
            connection.assumeOnLoop { own in own.value = made }
        }
    }

    /// Sends all at once; the results are in order.
    func send(_ commands: [String]) async throws -> [Outcome] {
        outcomes.withLock { $0 = [:] }
        loop.submit { [self] in
            connection.assumeOnLoop { own in
                guard let connection = own.value else { return }
                for (index, command) in commands.enumerated() {
                    connection.send(RESPCommand(command), .any) { [self] result in
                        outcomes.withLock { $0[index] = result }
                    }
                }
            }
        }
        for _ in 0..<2000 {
            let all = outcomes.withLock { $0 }
            if all.count == commands.count { return commands.indices.compactMap { all[$0] } }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw RedisFailure.timeout
    }

    var reported: [RedisEvent] { events.withLock { $0 } }
}

@Suite("A connection to Redis")
struct RedisConnectionTests {
    private static func text(_ text: String) -> Client.Outcome { .success(.simple(Array(text.utf8))) }

    @Test("commands are pipelined, and each gets its own reply")
    func pipeline() async throws {
        let server = try ScriptedRedis { command, _ in "+\(command)\r\n" }
        let client = Client(server.address, timeout: 20_000)
        let names = (0..<500).map { "C\($0)" }
        #expect(try await client.send(names) == names.map { Self.text($0) })
        #expect(server.connectionCount == 1)
        #expect(client.reported == [.connected])
    }

    @Test("an error reply fails its command, and the next one is served")
    func refusal() async throws {
        let server = try ScriptedRedis { command, _ in command == "BAD" ? "-ERR no\r\n" : "+OK\r\n" }
        let outcomes = try await Client(server.address).send(["BAD", "GOOD"])
        #expect(outcomes == [.failure(.refused("ERR no")), Self.text("OK")])
    }

    @Test("a silent server costs no more than the time limit, and the connection is not used again")
    func silence() async throws {
        let server = try ScriptedRedis { command, number in
            number == 1 && command != "PING" ? nil : "+\(command)\r\n"
        }
        let client = Client(server.address)
        #expect(try await client.send(["SILENT", "BEHIND"]) == [.failure(.timeout), .failure(.timeout)])
        // A late reply would be matched to the wrong command.
        #expect(try await client.send(["A", "B"]) == [Self.text("A"), Self.text("B")])
        #expect(server.connectionCount == 2)
    }

    @Test("a broken connection fails waiting commands, and another one is made")
    func broken() async throws {
        let server = try ScriptedRedis { command, number in
            command == "DIE" && number == 1 ? "close" : "+\(command)\r\n"
        }
        let client = Client(server.address)
        #expect(
            try await client.send(["DIE", "LATER"]).allSatisfy {
                if case .failure(.unreachable) = $0 { true } else { false }
            })
        #expect(try await client.send(["A"]) == [Self.text("A")])
        #expect(client.reported.count == 3)
    }

    @Test(
        "after a failover the new primary is found by reconnecting",
        arguments: ["READONLY You can't", "LOADING x", "MASTERDOWN x"])
    func failover(error: String) async throws {
        let server = try ScriptedRedis { command, number in
            command == "SET" && number == 1 ? "-\(error)\r\n" : "+\(command)\r\n"
        }
        let client = Client(server.address)
        #expect(try await client.send(["SET"]) == [.failure(.refused(error))])
        #expect(try await client.send(["SET"]) == [Self.text("SET")])
        #expect(server.connectionCount == 2)
    }

    @Test("the handshake precedes all other commands")
    func greeting() async throws {
        let log = Seen()
        let server = try ScriptedRedis { command, _ in
            log.add(command)
            return "+OK\r\n"
        }
        let client = Client(server.address) {
            $0.credentials.user = Array("gate".utf8)
            $0.credentials.password = Array("secret".utf8)
            $0.database = 3
        }
        _ = try await client.send(["GET"])
        // After them only PING, after an idle interval.
        #expect(log.all.prefix(4) == ["AUTH gate secret", "SELECT 3", "PING", "GET"])
    }

    @Test("waiting commands fail with the reason if access is denied")
    func notLetIn() async throws {
        let server = try ScriptedRedis { command, _ in
            command.hasPrefix("AUTH") ? "-WRONGPASS invalid\r\n" : "-NOAUTH required\r\n"
        }
        let client = Client(server.address) { $0.credentials.password = Array("wrong".utf8) }
        #expect(try await client.send(["GET"]) == [.failure(.unreachable("WRONGPASS invalid"))])
    }

    @Test("without a server commands fail, and at once while the next attempt is not due")
    func nobody() async throws {
        let gone = try ListeningSocket(SocketAddress.v4(0x7f00_0001, port: 0), sharesPort: false).address
        let client = Client(gone, timeout: 50)
        for _ in 0..<8 {
            #expect(try await client.send(["GET"]).allSatisfy { if case .failure = $0 { true } else { false } })
        }
        #expect(client.reported.count == 1)
    }

    @Test(
        "a server that sends replies without commands, or is not Redis, is disconnected",
        arguments: ["+OK\r\n+OK\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"])
    func stranger(answer: String) async throws {
        let server = try ScriptedRedis { _, _ in answer }
        let outcomes = try await Client(server.address).send(["GET"])
        #expect(outcomes.allSatisfy { if case .failure = $0 { true } else { false } } || answer.hasPrefix("+OK"))
    }

    @Test(
        "a handshake has its own replies, and no others",
        arguments: [
            ("AUTH", "+PONG\r\n"), ("AUTH", ":1\r\n"), ("AUTH", "$2\r\nOK\r\n"), ("SELECT", "$-1\r\n"),
            ("SELECT", "*0\r\n"), ("PING", "+OKAY\r\n"), ("PING", "$4\r\nPONG\r\n"), ("PING", "%0\r\n"),
            ("PING", "_\r\n"), ("PING", "#t\r\n"), ("PING", ">1\r\n+a\r\n"),
        ])
    func wrongHandshake(command: String, reply: String) async throws {
        let server = try ScriptedRedis { sent, _ in sent.hasPrefix(command) ? reply : "+OK\r\n" }
        let client = Client(server.address) {
            $0.credentials.password = Array("secret".utf8)
            $0.database = 3
        }
        let outcomes = try await client.send(["GET"])
        #expect(outcomes.allSatisfy { if case .failure(.unreachable) = $0 { true } else { false } })
        #expect(client.reported.contains { if case .unexpectedReply = $0 { true } else { false } })
    }

    @Test("an error that quotes the password is not passed on")
    func quotedPassword() async throws {
        let server = try ScriptedRedis { command, _ in
            command.hasPrefix("AUTH")
                ? "-ERR unknown command 'AUTH', with args beginning with: 'secret'\r\n" : "+OK\r\n"
        }
        let client = Client(server.address) { $0.credentials.password = Array("secret".utf8) }
        #expect(try await client.send(["GET"]) == [.failure(.unreachable("ERR"))])
    }

    @Test("neither is that of a later command, nor one that ends the connection")
    func quotedLater() async throws {
        let server = try ScriptedRedis { command, _ in
            switch command {
            case "GET": "-ERR your password is secret\r\n"
            case "SET": "-READONLY secret\r\n"
            default: "+OK\r\n"
            }
        }
        let client = Client(server.address) { $0.credentials.password = Array("secret".utf8) }
        #expect(try await client.send(["GET"]) == [.failure(.refused("ERR"))])
        #expect(try await client.send(["SET"]) == [.failure(.refused("READONLY"))])
        #expect(!client.reported.contains { "\($0)".contains("secret") })
    }

    @Test(
        "what of an error is passed on",
        arguments: [
            ("ERR no such key", "secret", "ERR no such key"), ("ERR secret", "", "ERR secret"),
            ("ERR 'secret'", "secret", "ERR"), ("secret", "secret", "refused"),
            ("MOVED 1 redis-1:6379", "redis", "MOVED 1 redis-1:6379"),
            ("MOVED 1 0123456789abcdef:6379", "0123456789abcdef", "MOVED"),
            ("ERR '0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef0123456789abcdef", "ERR"),
        ])
    func errorTexts(error: String, password: String, expected: String) {
        #expect(RedisErrorText.withoutPassword(Array(error.utf8), Array(password.utf8)) == expected)
    }

    @Test("the beginning of a reply without a command ends the connection")
    func unsolicited() async throws {
        let server = try ScriptedRedis { command, number in
            command == "A" && number == 1 ? "+A\r\n$100000\r\nxx" : "+\(command)\r\n"
        }
        let client = Client(server.address)
        #expect(try await client.send(["A"]) == [Self.text("A")])
        #expect(try await client.send(["B"]) == [Self.text("B")])
        #expect(server.connectionCount == 2)
        #expect(client.reported.contains(.unexpectedReply("a reply without a command")))
    }

    @Test(
        "a server that closes after the handshake, or sends invalid replies, is connected to less and less often",
        arguments: ["close", "*-1\r\n", ":1\r\n:2\r\n"])
    func rate(answer: String) async throws {
        let server = try ScriptedRedis { command, _ in command == "PING" ? "+PONG\r\n" : answer }
        let client = Client(server.address, timeout: 5000)
        let begun = MonotonicTime.current()
        while server.connectionCount < 6 { _ = try await client.send(["GET"]) }
        // Half of 50, 100, 200, 400 and 800 ms.
        #expect(MonotonicTime.current().since(begun) >= .milliseconds(775))
    }

    @Test("delays grow until a connection has been up for a while")
    func backoff() {
        var backoff = RedisBackoff()
        func pause(_ uptime: Double?) -> UInt64 {
            backoff.failed(after: uptime.map { Nanoseconds.seconds($0) }, chance: 1).count / 1_000_000
        }
        #expect([nil, 0, 0.5, nil, 9.9, 0, 0, 3].map { pause($0) } == [50, 100, 200, 400, 800, 1600, 2000, 2000])
        #expect([10, nil, 60, 1].map { pause($0) } == [50, 100, 50, 100])
    }
}
