// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization
import Testing

@testable import Redis

/// A cluster of scripted servers: each has the same map, which the test may change, and answers of its own.
private final class ScriptedCluster: Sendable {
    /// The answer of the server with this index; nil: the usual one.
    typealias Answer = @Sendable (_ server: Int, _ command: String) -> String?

    private let servers = Mutex<[ScriptedRedis]>([])
    private let owners: Mutex<[(slots: ClosedRange<Int>, server: Int)]>
    let seen: [Seen]

    init(_ count: Int, owners: [(slots: ClosedRange<Int>, server: Int)], _ answer: @escaping Answer) throws {
        self.owners = Mutex(owners)
        seen = (0..<count).map { _ in Seen() }
        for index in 0..<count {
            let server = try ScriptedRedis { [weak self] command, _ in
                guard let self else { return nil }
                seen[index].add(command)
                if let own = answer(index, command) { return own == "silence" ? nil : own }
                return command == "CLUSTER SLOTS" ? map : command == "PING" ? "+PONG\r\n" : "+\(index)\r\n"
            }
            servers.withLock { $0.append(server) }
        }
    }

    func port(_ server: Int) -> UInt16 { servers.withLock { $0[server].address.port ?? 0 } }

    func node(_ server: Int) -> RedisNode { RedisNode(host: "127.0.0.1", port: port(server)) }

    func connections(_ server: Int) -> Int { servers.withLock { $0[server].connectionCount } }

    func assign(_ owners: [(slots: ClosedRange<Int>, server: Int)]) { self.owners.withLock { $0 = owners } }

    func commands(_ server: Int) -> [String] {
        seen[server].all.filter { $0 != "PING" && $0 != "CLUSTER SLOTS" }
    }

    private var map: String {
        let owners = owners.withLock { $0 }
        return "*\(owners.count)\r\n"
            + owners.map {
                "*3\r\n:\($0.slots.lowerBound)\r\n:\($0.slots.upperBound)\r\n*2\r\n$9\r\n127.0.0.1\r\n:\(port($0.server))\r\n"
            }.joined()
    }
}

/// A client, on a loop of its own.
private final class ClusterClient: Sendable {
    typealias Outcome = Result<RESPValue, RedisFailure>

    private let loop = EventLoop(label: "test.redis.cluster")
    private let cluster: LoopBound<Slot<RedisCluster>>
    private let events = Mutex<[RedisCluster.Event]>([])

    init(_ seeds: [RedisNode], timeout: UInt64 = 2000) {
        cluster = loop.bind(Slot<RedisCluster>())
        loop.submit { [self] in
            var configuration = RedisConfiguration(.host("unused", port: 1))
            configuration.timeout = .milliseconds(timeout)
            let made = RedisCluster(
                configuration, seeds: seeds, loop: loop, resolver: Resolver(),
                report: { [self] event in events.withLock { $0.append(event) } })
            cluster.assumeOnLoop { $0.value = made }
        }
    }

    /// Sends all at once; the results are in order.
    func send(_ commands: [String]) async throws -> [Outcome] {
        let outcomes = Outcomes(commands.count)
        loop.submit { [self] in
            cluster.assumeOnLoop { own in
                for (index, command) in commands.enumerated() {
                    own.value?.send(RESPCommand(command.split(separator: " ").map { Array($0.utf8) }), .any) {
                        outcomes.set(index, $0)
                    }
                }
            }
        }
        return try await outcomes.all()
    }

    func scan(_ cursor: Int) async throws -> Result<RedisScanPage, RedisFailure> {
        let result = Mutex<Result<RedisScanPage, RedisFailure>?>(nil)
        loop.submit { [cluster] in
            cluster.assumeOnLoop { own in
                own.value?.scan(RESPCommand("ZSCAN", texts: "foo", "\(cursor)"), .sortedSetPage) { page in
                    result.withLock { $0 = page }
                }
            }
        }
        for _ in 0..<2000 {
            if let found = result.withLock({ $0 }) { return found }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw RedisFailure.timeout
    }

    func close() { loop.submit { [cluster] in cluster.assumeOnLoop { $0.value?.close() } } }

    func count(_ event: RedisCluster.Event) -> Int { events.withLock { $0.count { $0 == event } } }

    private final class Outcomes: Sendable {
        private let count: Int
        private let found = Mutex<[Int: [Outcome]]>([:])

        init(_ count: Int) { self.count = count }

        func set(_ index: Int, _ outcome: Outcome) { found.withLock { $0[index, default: []].append(outcome) } }

        func all() async throws -> [Outcome] {
            for _ in 0..<3000 {
                let all = found.withLock { $0 }
                if all.count == count {
                    // Each completion was called once.
                    return (0..<count).compactMap { all[$0]?.count == 1 ? all[$0]?.first : nil }
                }
                try await Task.sleep(for: .milliseconds(5))
            }
            throw RedisFailure.timeout
        }
    }
}

@Suite("A client of a Redis Cluster")
struct RedisClusterTests {
    private static let halves = [(slots: 0...8191, server: 0), (slots: 8192...16383, server: 1)]

    private static func text(_ text: String) -> ClusterClient.Outcome { .success(.simple(Array(text.utf8))) }

    // The slot of foo is 12182, that of bar 5061, and that of hello 866.

    @Test("each command goes to the owner of its slot, over one connection for each server")
    func owners() async throws {
        let cluster = try ScriptedCluster(2, owners: Self.halves) { _, _ in nil }
        let client = ClusterClient([cluster.node(0)])
        let keys = (0..<300).map { "key\($0)" }
        let outcomes = try await client.send(keys.map { "GET \($0)" })
        #expect(outcomes == keys.map { Self.text(RedisSlot.of(Array($0.utf8)) < 8192 ? "0" : "1") })
        #expect([0, 1].map { cluster.connections($0) } == [1, 1])
        #expect(client.count(.connected) == 1 && client.count(.redirected) == 0)
    }

    @Test("seeds are tried in turn, and those that are gone, empty or no cluster are passed over")
    func seeds() async throws {
        let gone = try ListeningSocket(SocketAddress.v4(0x7f00_0001, port: 0), sharesPort: false).address.port ?? 0
        let empty = try ScriptedRedis { command, _ in command == "PING" ? "+PONG\r\n" : "*0\r\n" }
        let single = try ScriptedRedis { command, _ in
            command == "PING" ? "+PONG\r\n" : "-ERR This instance has cluster support disabled\r\n"
        }
        let cluster = try ScriptedCluster(2, owners: Self.halves) { _, _ in nil }
        let ports = [gone, empty.address.port ?? 0, single.address.port ?? 0]
        let seeds = ports.map { RedisNode(host: "127.0.0.1", port: $0) }
        #expect(try await ClusterClient(seeds + [cluster.node(1)]).send(["GET bar"]) == [Self.text("0")])
        // Without the last one all fail, and say why.
        let outcomes = try await ClusterClient(seeds).send(["GET bar", "GET foo"])
        #expect(
            outcomes.allSatisfy { if case .failure(.unreachable(let cause)) = $0 { !cause.isEmpty } else { false } })
    }

    @Test("MOVED is followed, and later commands go to the new owner at once")
    func moved() async throws {
        let moving = Mutex<String?>(nil)
        let cluster = try ScriptedCluster(2, owners: [(0...16383, 0)]) { server, command in
            server == 0 && command == "GET foo" ? moving.withLock { $0 } : nil
        }
        moving.withLock { $0 = "-MOVED 12182 127.0.0.1:\(cluster.port(1))\r\n" }
        let client = ClusterClient([cluster.node(0)])
        #expect(try await client.send(["GET bar"]) == [Self.text("0")])
        // The map that the client reads because of the redirection names the new owner too.
        cluster.assign([(0...12181, 0), (12182...12182, 1), (12183...16383, 0)])
        #expect(try await client.send(["GET foo"]) == [Self.text("1")])
        #expect(try await client.send(["GET foo"]) == [Self.text("1")])
        #expect(cluster.commands(0) == ["GET bar", "GET foo"] && cluster.commands(1) == ["GET foo", "GET foo"])
        #expect(client.count(.redirected) == 1)
    }

    @Test("ASK is followed with ASKING right before the command, and changes nothing for the next one")
    func ask() async throws {
        let target = Mutex<UInt16>(0)
        let cluster = try ScriptedCluster(2, owners: [(0...16383, 0)]) { server, command in
            if command == "ASKING" { return "+OK\r\n" }
            return server == 0 && command == "GET foo"
                ? "-ASK 12182 127.0.0.1:\(target.withLock { $0 })\r\n" : nil
        }
        target.withLock { $0 = cluster.port(1) }
        let client = ClusterClient([cluster.node(0)])
        #expect(try await client.send(["GET foo", "GET foo"]) == [Self.text("1"), Self.text("1")])
        #expect(cluster.commands(1) == ["ASKING", "GET foo", "ASKING", "GET foo"])
        #expect(cluster.commands(0) == ["GET foo", "GET foo"])
    }

    @Test("a command is sent again when keys are being moved or the cluster is down, until a time limit")
    func again() async throws {
        let refusals = Mutex(["TRYAGAIN x", "CLUSTERDOWN x", "LOADING x"])
        let cluster = try ScriptedCluster(1, owners: [(0...16383, 0)]) { _, command in
            switch command {
            case "GET foo": refusals.withLock { $0.popLast() }.map { "-\($0)\r\n" }
            case "GET bar": "-CLUSTERDOWN x\r\n"
            default: nil
            }
        }
        #expect(try await ClusterClient([cluster.node(0)]).send(["GET foo"]) == [Self.text("0")])
        let outcomes = try await ClusterClient([cluster.node(0)], timeout: 64).send(["GET bar"])
        #expect(outcomes == [.failure(.refused("CLUSTERDOWN x"))])
        #expect(1...6 ~= cluster.commands(0).count { $0 == "GET bar" })
    }

    @Test("a command whose connection is lost is not sent again: it may have been executed")
    func lost() async throws {
        let cluster = try ScriptedCluster(1, owners: [(0...16383, 0)]) { _, command in
            command == "SET foo" ? "close" : nil
        }
        let outcomes = try await ClusterClient([cluster.node(0)]).send(["SET foo"])
        #expect(outcomes.allSatisfy { if case .failure(.unreachable) = $0 { true } else { false } })
        #expect(cluster.commands(0) == ["SET foo"])
    }

    @Test("a silent server costs its own commands no more than the time limit, and others nothing")
    func silence() async throws {
        let cluster = try ScriptedCluster(2, owners: Self.halves) { server, command in
            server == 1 && command != "PING" ? "silence" : nil
        }
        let client = ClusterClient([cluster.node(0)], timeout: 300)
        #expect(try await client.send(["GET foo", "GET bar"]) == [.failure(.timeout), Self.text("0")])
    }

    @Test("after the owner is gone, another server's map names the new one")
    func failover() async throws {
        let isDown = Mutex(false)
        let cluster = try ScriptedCluster(2, owners: Self.halves) { server, _ in
            server == 1 && isDown.withLock { $0 } ? "close" : nil
        }
        let client = ClusterClient([cluster.node(0)])
        #expect(try await client.send(["GET foo"]) == [Self.text("1")])
        isDown.withLock { $0 = true }
        cluster.assign([(0...16383, 0)])
        var outcome: ClusterClient.Outcome?
        for _ in 0..<200 where outcome != Self.text("0") { outcome = try await client.send(["GET foo"]).first }
        #expect(outcome == Self.text("0"))
    }

    @Test(
        "endless redirections end, and so do those that name something else",
        arguments: [
            ("MOVED 12182 127.0.0.1:", true), ("ASK 12182 127.0.0.1:", true), ("MOVED 1 127.0.0.1:", true),
            ("MOVED 12182 a\u{1}b:1", false),
        ])
    func loop(error: String, isPortMissing: Bool) async throws {
        let port = Mutex<UInt16>(0)
        let cluster = try ScriptedCluster(1, owners: [(0...16383, 0)]) { _, command in
            if command == "ASKING" { return "+OK\r\n" }
            guard command == "GET foo" else { return nil }
            return "-\(error)\(isPortMissing ? "\(port.withLock { $0 })" : "")\r\n"
        }
        port.withLock { $0 = cluster.port(0) }
        let outcomes = try await ClusterClient([cluster.node(0)]).send(["GET foo", "GET bar"])
        guard case .failure(.refused) = outcomes.first else { return #expect(Bool(false), "\(outcomes)") }
        #expect(outcomes.last == Self.text("0"))
        #expect(cluster.commands(0).count { $0 == "GET foo" } <= 6)
    }

    @Test("keys of several slots are refused before they are sent")
    func slots() async throws {
        let cluster = try ScriptedCluster(1, owners: [(0...16383, 0)]) { _, _ in nil }
        let outcomes = try await ClusterClient([cluster.node(0)]).send(["EXISTS foo bar", "EXISTS {a}1 {a}2"])
        #expect(outcomes.last == Self.text("0") && cluster.commands(0) == ["EXISTS {a}1 {a}2"])
    }

    @Test("a page of an iteration names the server that sent it")
    func scan() async throws {
        let target = Mutex<UInt16?>(nil)
        let cluster = try ScriptedCluster(2, owners: [(0...16383, 0)]) { server, command in
            guard command.hasPrefix("ZSCAN") else { return nil }
            if server == 0, let port = target.withLock({ $0 }) { return "-MOVED 12182 127.0.0.1:\(port)\r\n" }
            return "*2\r\n$1\r\n7\r\n*0\r\n"
        }
        let client = ClusterClient([cluster.node(0)])
        let pages = [try await client.scan(0).get(), try await client.scan(7).get()]
        #expect(pages[0].server != 0 && pages[0].server == pages[1].server)
        target.withLock { $0 = cluster.port(1) }
        #expect(try await client.scan(7).get().server != pages[0].server)
    }

    @Test("what waits when it is closed fails")
    func close() async throws {
        let cluster = try ScriptedCluster(1, owners: [(0...16383, 0)]) { _, command in
            command == "PING" || command == "CLUSTER SLOTS" ? nil : "silence"
        }
        let client = ClusterClient([cluster.node(0)], timeout: 60_000)
        async let outcomes = client.send(["GET foo"])
        while cluster.commands(0).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        client.close()
        #expect(try await outcomes.first == .failure(.unreachable("closed")))
        #expect(try await client.send(["GET foo"]) == [.failure(.unreachable("closed"))])
    }
}
