// SPDX-License-Identifier: Apache-2.0

import Reactor
import Testing

@testable import Redis

@Suite("Slots of a Redis Cluster")
struct RedisSlotTests {
    @Test(
        "the slot of a key is the one that redis-server computes",
        arguments: [
            ("", 0), ("foo", 12182), ("bar", 5061), ("hello", 866), ("somekey", 11058), ("123456789", 12739),
            ("{user1000}.following", 3443), ("foo{}{bar}", 8363), ("foo{{bar}}zap", 4015), ("foo{bar}{zap}", 5061),
            ("a{b", 13340), ("a}b{c}", 7365),
        ])
    func slot(key: String, slot: Int) {
        #expect(RedisSlot.of(Array(key.utf8)) == slot)
    }

    @Test("the checksum is CRC-16/XMODEM")
    func checksum() {
        #expect(RedisSlot.checksum(Array("123456789".utf8)[...]) == 0x31C3)
    }

    @Test(
        "a command goes to the server of its keys",
        arguments: [
            ("PING", .anyServer), ("CLUSTER SLOTS", .anyServer), ("PUBLISH foo x", .anyServer), ("INFO", .anyServer),
            ("SET foo bar NX", .slot(12182)), ("GET foo", .slot(12182)), ("DEL foo", .slot(12182)),
            ("ZSCAN foo 0 COUNT 10", .slot(12182)), ("EXISTS {foo}1 {foo}2", .slot(12182)),
            ("EXISTS foo bar", .acrossSlots), ("EVAL foo 0 bar", .anyServer), ("EVAL script 1 foo bar", .slot(12182)),
            ("EVAL script 2 {foo}1 {foo}2 bar", .slot(12182)), ("EVAL script 2 foo bar", .acrossSlots),
            ("EVAL script x foo", .anyServer), ("EVAL script -1 foo", .anyServer), ("EVAL", .anyServer),
        ] as [(String, RedisRoute)])
    func route(command: String, route: RedisRoute) {
        #expect(RESPCommand(command.split(separator: " ").map { Array($0.utf8) }).route == route)
    }
}

@Suite("Redirections of a Redis Cluster")
struct RedisRedirectionTests {
    private static let asked = RedisNode(host: "10.0.0.9", port: 9)

    @Test(
        "an error reply is read strictly",
        arguments: [
            ("MOVED 3999 127.0.0.1:6381", .moved(slot: 3999, RedisNode(host: "127.0.0.1", port: 6381))),
            ("ASK 0 redis-1.example:1", .ask(slot: 0, RedisNode(host: "redis-1.example", port: 1))),
            ("MOVED 16383 ::1:7000", .moved(slot: 16383, RedisNode(host: "::1", port: 7000))),
            ("MOVED 1 :7000", .moved(slot: 1, RedisNode(host: "10.0.0.9", port: 7000))),
            ("TRYAGAIN Multiple keys request during rehashing of slot", .tryAgain),
            ("CLUSTERDOWN The cluster is down", .unavailable), ("CLUSTERDOWN", .unavailable),
            ("READONLY You can't write", .unavailable), ("LOADING Redis is loading", .unavailable),
            ("MASTERDOWN Link with MASTER is down", .unavailable),
            ("MOVED 16384 a:1", nil), ("MOVED -1 a:1", nil), ("MOVED +1 a:1", nil), ("MOVED 1 a:0", nil),
            ("MOVED 1 a:65536", nil), ("MOVED 1 a:99999999999999999999", nil), ("MOVED 1 a", nil), ("MOVED 1", nil),
            ("MOVED", nil), ("MOVED 1 a:+7", nil), ("MOVED 1 a:", nil), ("MOVED  a:1", nil), ("MOVED 1 a:1 x", nil),
            ("MOVED 1 a\r\nb:1", nil), ("MOVED 1 a\u{0}:1", nil), ("MOVED 1 ü:1", nil), ("MOVED 1 a/b:1", nil),
            ("MOVED 123456 a:1", nil), ("moved 1 a:1", nil), ("ERR x", nil), ("", nil),
            ("MOVED 1 \(String(repeating: "a", count: 254)):1", nil),
            (
                "MOVED 1 \(String(repeating: "a", count: 253)):1",
                .moved(slot: 1, RedisNode(host: String(repeating: "a", count: 253), port: 1))
            ),
        ] as [(String, RedisRedirection?)])
    func parse(error: String, redirection: RedisRedirection?) {
        #expect(RedisRedirection(error, asked: Self.asked) == redirection)
    }

    @Test("a command is redirected five times at most, whatever comes in between")
    func redirections() {
        var attempts = RedisAttempts()
        let node = RedisNode(host: "a", port: 1)
        func step(_ redirection: RedisRedirection, _ destination: RedisAttempts.Destination) -> RedisAttempts.Step {
            attempts.step(after: redirection, at: destination, timeout: .milliseconds(320))
        }
        #expect(step(.moved(slot: 1, node), .owner) == .send(.node(node)))
        #expect(step(.ask(slot: 1, node), .node(node)) == .send(.importing(node)))
        // Where the keys are being moved to, they will be complete.
        #expect(step(.tryAgain, .importing(node)) == .wait(.milliseconds(10), then: .importing(node)))
        #expect(step(.moved(slot: 1, node), .importing(node)) == .send(.node(node)))
        #expect(step(.ask(slot: 1, node), .owner) == .send(.importing(node)))
        #expect(step(.ask(slot: 1, node), .owner) == .send(.importing(node)))
        #expect(step(.ask(slot: 1, node), .owner) == .fail)
        #expect(step(.moved(slot: 1, node), .owner) == .fail)
    }

    @Test("the pauses of a command double, and together are shorter than its time limit")
    func pauses() {
        var attempts = RedisAttempts()
        var sum: UInt64 = 0
        for pause: UInt64 in [10, 20, 40, 80, 160] {
            let step = attempts.step(after: .unavailable, at: .owner, timeout: .milliseconds(320))
            #expect(step == .wait(.milliseconds(pause), then: .owner))
            sum += pause
        }
        #expect(sum < 320)
        #expect(attempts.step(after: .tryAgain, at: .owner, timeout: .milliseconds(320)) == .fail)
    }
}
