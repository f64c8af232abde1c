// SPDX-License-Identifier: Apache-2.0

import Reactor
import Testing

@testable import Redis

/// A reply as a sentinel writes it.
private func bulks(_ texts: String...) -> RESPValue { .array(texts.map { .bulk(Array($0.utf8)) }) }

@Suite("What sentinels say")
struct SentinelReplyTests {
    @Test(
        "an address is a host and a port",
        arguments: [
            ("127.0.0.1", "6379", "127.0.0.1:6379"), ("::1", "1", "[::1]:1"),
            ("redis-0.redis.svc", "65535", "redis-0.redis.svc:65535"),
            ("Redis_1", "26379", "redis_1:26379"), ("1a", "7", "1a:7"),
        ])
    func good(host: String, port: String, words: String) {
        let endpoint = RedisConfiguration.Endpoint(announced: Array(host.utf8), port: Array(port.utf8))
        #expect(endpoint?.description == words)
    }

    @Test(
        "anything else is none",
        arguments: [
            ("", "6379"), ("a b", "6379"), ("/run/redis.sock", "6379"), ("unix:/run/redis.sock", "6379"),
            ("a..b", "6379"),
            ("a.", "6379"), (".a", "6379"), ("user@host", "6379"), ("127.1", "6379"), ("2130706433", "6379"),
            ("1.2.3.4.5", "6379"),
            ("[::1]", "6379"), (":::", "6379"), ("fe80::1%lo", "6379"), ("h\u{F6}st", "6379"), ("a\0", "6379"),
            ("host", ""), ("host", "0"), ("host", "-1"), ("host", "+1"), ("host", "65536"), ("host", "006379"),
            ("host", "6379 "),
            ("host", "x"), ("host", "99999999999999999999"),
        ])
    func bad(host: String, port: String) {
        #expect(RedisConfiguration.Endpoint(announced: Array(host.utf8), port: Array(port.utf8)) == nil)
    }

    @Test("a host is not longer than a name can be")
    func long() {
        let label = String(repeating: "a", count: 63)
        let host = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
        #expect(RedisConfiguration.Endpoint(announced: Array(host.utf8), port: Array("1".utf8)) != nil)
        for longer in [host + "b", "a" + label] {
            #expect(RedisConfiguration.Endpoint(announced: Array(longer.utf8), port: Array("1".utf8)) == nil)
        }
    }

    @Test("the reply about a primary is an address, or null for an unknown name")
    func primary() {
        let shape = RedisReply<SentinelPrimary>.sentinelPrimary
        #expect(shape.read(bulks("10.0.0.1", "6379")) == .at(.host("10.0.0.1", port: 6379)))
        #expect(shape.read(.null) == .unknownName)
        let strangers: [RESPValue] = [
            bulks("10.0.0.1"), bulks("10.0.0.1", "6379", "x"), bulks("10.0.0.1", "0"), .integer(1), .array([]),
            .simple(Array("OK".utf8)), .map([.bulk([0x61]), .bulk([0x31])]), .array([.simple([0x61]), .bulk([0x31])]),
        ]
        for stranger in strangers { #expect(shape.read(stranger) == nil, "\(stranger)") }
    }

    @Test("a null array is a reply of sentinels only")
    func nullArray() throws {
        var parser = RESPParser(version: .two, allowsNullArrays: true)
        var replies: [RESPValue] = []
        try parser.receive(Array("*-1\r\n".utf8).span) { replies.append($0) }
        #expect(replies == [.null])
        var strict = RESPParser(version: .two)
        #expect(throws: RESPError.malformed) { try strict.receive(Array("*-1\r\n".utf8).span) { _ in } }
    }

    @Test("the other sentinels are fields with addresses")
    func others() {
        let shape = RedisReply<[RedisConfiguration.Endpoint]>.sentinels(atMost: 2)
        let one = bulks("name", "x", "ip", "10.0.0.2", "port", "26379")
        #expect(shape.read(.array([one, one]))?.count == 2)
        #expect(shape.read(.array([])) == [])
        let strangers: [RESPValue] = [
            .array([one, one, one]), .array([bulks("ip", "10.0.0.2")]), .array([bulks("ip", "10.0.0.2", "port")]),
            .null,
            .array([bulks("ip", "a b", "port", "1")]), bulks("ip", "10.0.0.2"),
        ]
        for stranger in strangers { #expect(shape.read(stranger) == nil, "\(stranger)") }
        #expect(RedisReply<SentinelFields>.sentinelFields.read(bulks("quorum", "2"))?.number("quorum") == 2)
        #expect(RedisReply<SentinelFields>.sentinelFields.read(bulks("quorum", "-2"))?.number("quorum") == nil)
    }

    @Test("a message of a failover names the primary, its old and its new address")
    func messages() {
        func read(_ text: String) -> SentinelSwitch { SentinelSwitch(Array(text.utf8), master: "main") }
        #expect(
            read("main 10.0.0.1 6379 10.0.0.2 6380")
                == .from(.host("10.0.0.1", port: 6379), to: .host("10.0.0.2", port: 6380)))
        #expect(read("other 10.0.0.1 6379 10.0.0.2 6380") == .other)
        let long = String(repeating: "x", count: 2000)
        for text in [
            "", "main", "main 10.0.0.1 6379 10.0.0.2", "main 10.0.0.1 6379 10.0.0.2 6380 x",
            "main 10.0.0.1 6379 10.0.0.2 0", "main 10.0.0.1 0 10.0.0.2 6380",
            "main  6379 10.0.0.2 6380 x", "main a 1 b/c 1", "\(long) a 1 b 1",
        ] {
            #expect(read(text) == .malformed, "\(text)")
        }
    }

    @Test("a role is that of a primary, a replica or a sentinel")
    func roles() {
        let replica = bulks("10.0.0.2", "6380", "0")
        let primary: RESPValue = .array([.bulk(Array("master".utf8)), .integer(7), .array([replica])])
        let follower: RESPValue = .array([
            .bulk(Array("slave".utf8)), .bulk(Array("10.0.0.1".utf8)), .integer(6379), .bulk(Array("connected".utf8)),
            .integer(-1),
        ])
        let shape = RedisReply<RedisRole>.role
        #expect(shape.read(primary) == .primary(replicas: 1))
        #expect(shape.read(follower) == .replica)
        #expect(shape.read(.array([.bulk(Array("sentinel".utf8)), .array([])])) == .sentinel)
        #expect(RedisReply<String?>.primaryRole.read(primary) == .some(nil))
        #expect(RedisReply<String?>.primaryRole.read(follower)??.contains("replica") == true)
        let strangers: [RESPValue] = [
            bulks("master"), bulks("master", "0", "x"),
            .array([.bulk(Array("master".utf8)), .integer(-1), .array([])]), .null,
            .array([]), .simple(Array("master".utf8)), .array([.bulk(Array("slave".utf8))]),
            .array([.bulk(Array("master".utf8)), .integer(0), .array([bulks("a")])]),
        ]
        for stranger in strangers {
            #expect(shape.read(stranger) == nil, "\(stranger)")
            #expect(RedisReply<String?>.primaryRole.read(stranger) == nil, "\(stranger)")
        }
    }

    @Test("the one that answered is asked first, one whose answer was of no use last; those learned are bounded")
    func directory() {
        func at(_ number: Int) -> RedisConfiguration.Endpoint { .host("s\(number)", port: 26379) }
        var directory = SentinelDirectory([at(1), at(2), at(3)])
        directory.answered(at(2))
        #expect(directory.inOrder == [at(2), at(1), at(3)])
        directory.doubted(at(2))
        #expect(directory.inOrder == [at(1), at(3), at(2)])
        directory.learned([at(2), at(4), at(5)], from: at(1))
        #expect(directory.inOrder == [at(1), at(3), at(2), at(4), at(5)])
        // Who answered is kept, and so are those of the configuration.
        directory.learned([at(6)], from: at(5))
        #expect(directory.inOrder == [at(1), at(3), at(2), at(5), at(6)])
        directory.learned((100..<1000).map(at), from: at(1))
        #expect(directory.inOrder.count == 3 + SentinelDirectory.maximumLearned)
        directory.answered(at(7))
        directory.doubted(at(8))
        #expect(directory.inOrder.first == at(1))
    }
}
