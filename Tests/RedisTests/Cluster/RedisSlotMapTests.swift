// SPDX-License-Identifier: Apache-2.0

import Reactor
import Testing

@testable import Redis

@Suite("Maps of slots")
struct RedisSlotMapTests {
    private static let asked = RedisNode(host: "asked", port: 1)

    private static func node(_ host: String?, _ port: Int64, _ others: RESPValue...) -> RESPValue {
        .array([host.map { .bulk(Array($0.utf8)) } ?? .null, .integer(port)] + others)
    }

    private static func range(_ first: Int64, _ last: Int64, _ nodes: RESPValue...) -> RESPValue {
        .array([.integer(first), .integer(last)] + nodes)
    }

    @Test("masters and replicas are read, also in the form of Redis 7")
    func map() throws {
        let identifier = RESPValue.bulk(Array("id".utf8))
        let metadata = RESPValue.array([.bulk(Array("hostname".utf8)), .bulk(Array("x".utf8))])
        let map = try RedisSlotMap(
            .array([
                Self.range(0, 99, Self.node("a", 1, identifier, metadata), Self.node("b", 2, identifier, .array([]))),
                Self.range(100, 100, Self.node("c", 3)),
                Self.range(200, 16383, Self.node("a", 1), Self.node("d", 4)),
            ]), from: Self.asked)
        #expect([0, 99, 200, 16383].allSatisfy { map.owner(of: $0) == RedisNode(host: "a", port: 1) })
        #expect(map.owner(of: 100) == RedisNode(host: "c", port: 3))
        #expect(map.owner(of: 101) == nil && map.owner(of: 199) == nil)
        #expect(map.owner(of: -1) == nil && map.owner(of: 16384) == nil)
        #expect(map.masters.count == 2 && map.members.count == 4 && map.uncovered == 99)
    }

    @Test("a host that is missing is that of the server that replied; an unknown one owns nothing")
    func hosts() throws {
        let map = try RedisSlotMap(
            .array([
                Self.range(0, 1, Self.node("", 7)), Self.range(2, 3, Self.node(nil, 8)),
                Self.range(4, 5, Self.node("?", 9)),
            ]), from: Self.asked)
        #expect(map.owner(of: 0) == RedisNode(host: "asked", port: 7))
        #expect(map.owner(of: 2) == RedisNode(host: "asked", port: 8))
        #expect(map.owner(of: 4) == nil)
    }

    @Test(
        "a map that is malformed or contradicts itself is not used",
        arguments: [
            .null, .integer(1), .array([.null]), .array([.array([])]), .array([range(0, 1)]),
            .array([range(-1, 1, node("a", 1))]), .array([range(0, 16384, node("a", 1))]),
            .array([range(2, 1, node("a", 1))]), .array([range(0, .max, node("a", 1))]),
            .array([range(.min, 1, node("a", 1))]),
            .array([range(0, 5, node("a", 1)), range(5, 6, node("b", 1))]),
            .array([range(0, 5, node("a", 1)), range(0, 5, node("a", 1))]),
            .array([range(0, 1, node("a", 0))]), .array([range(0, 1, node("a", 65536))]),
            .array([range(0, 1, node("a", -1))]), .array([range(0, 1, node("a\r\nb", 1))]),
            .array([range(0, 1, node("a\u{7}", 1))]), .array([range(0, 1, node("a b", 1))]),
            .array([range(0, 1, node("a", 1), node("b\n", 1))]), .array([range(0, 1, node("a", 1), .null)]),
            .array([range(0, 1, node(String(repeating: "a", count: 254), 1))]),
            .array([range(0, 1, .array([.integer(1), .integer(1)]))]),
            .array([range(0, 1, .array([.bulk([0x61])]))]),
            .array(Array(repeating: range(0, 0, node("?", 1)), count: 16385)),
        ] as [RESPValue])
    func malformed(reply: RESPValue) {
        #expect(throws: RedisSlotMap.Problem.malformed) { try RedisSlotMap(reply, from: Self.asked) }
    }

    @Test("a server without slots, and a cluster that is too large, give no map")
    func unusable() {
        #expect(throws: RedisSlotMap.Problem.empty) { try RedisSlotMap(.array([]), from: Self.asked) }
        let masters = (0..<1025).map { Self.range($0, $0, Self.node("a", $0 + 1)) }
        #expect(throws: RedisSlotMap.Problem.tooManyNodes) { try RedisSlotMap(.array(masters), from: Self.asked) }
        let replicas = RESPValue.array(
            [.integer(0), .integer(1)] + (0..<1025).map { Self.node("a", $0 + 1) })
        #expect(throws: RedisSlotMap.Problem.tooManyNodes) { try RedisSlotMap(.array([replicas]), from: Self.asked) }
        #expect(throws: Never.self) { try RedisSlotMap(.array(Array(masters.prefix(1024))), from: Self.asked) }
    }

    @Test("redirections correct it, and cannot make it grow without end")
    func redirections() throws {
        var map = try RedisSlotMap(
            .array([Self.range(0, 9, Self.node("a", 1)), Self.range(10, 19, Self.node("b", 1))]), from: Self.asked)
        func redirect(_ slot: Int, _ host: String) -> Bool { map.redirect(slot, to: RedisNode(host: host, port: 1)) }
        #expect(redirect(0, "b"))
        #expect(map.owner(of: 0)?.host == "b" && map.owner(of: 1)?.host == "a" && map.masters.count == 2)
        let accepted = (0..<1000).filter { redirect(2, "new\($0)") }
        #expect(accepted == Array(0..<16) && map.masters.count == 18)
        #expect(redirect(3, "new15") && map.owner(of: 3)?.host == "new15")
        #expect(!redirect(16384, "a"))
    }
}
