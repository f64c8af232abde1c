// SPDX-License-Identifier: Apache-2.0

import HTTP
import Proxy
import Reactor
import Testing

@Suite("How often clients may ask")
struct RateLimiterTests {
    private static func at(_ milliseconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: (1_000_000 + milliseconds) * 1_000_000)
    }

    /// Milliseconds until the client may ask; 0: now.
    private static func ask(_ limiter: RateLimiter, _ client: IPAddress, at milliseconds: UInt64) -> UInt64 {
        limiter.wait(for: client, at(milliseconds)).map { ($0.count + 999_999) / 1_000_000 } ?? 0
    }

    @Test("a second's worth at once, then evenly; what was refused costs nothing")
    func bucket() {
        let (limiter, client) = (RateLimiter(rate: 4), IPAddress(v4: 0x0a00_0001))
        let script: [(at: UInt64, wait: UInt64)] = [
            (0, 0), (0, 0), (0, 0), (0, 0), (0, 250), (0, 250), (100, 150), (249, 1), (250, 0), (250, 250), (500, 0),
            (500, 250), (5000, 0), (5000, 0), (5000, 0), (5000, 0), (5000, 250),
        ]
        for (index, step) in script.enumerated() {
            #expect(Self.ask(limiter, client, at: step.at) == step.wait, "step \(index)")
        }
    }

    @Test(
        "an IPv4 address, or the /64 of an IPv6 one, is a client",
        arguments: [
            (IPAddress(v4: 0x0a00_0001), IPAddress(v4: 0x0a00_0002), false),
            (IPAddress(v4: 0x0a00_0001), IPAddress(high: 0, low: 0xffff_0a00_0001), true),
            (IPAddress(high: 0x2001_0db8 << 32, low: 1), IPAddress(high: 0x2001_0db8 << 32, low: 2), true),
            (IPAddress(high: 0x2001_0db8 << 32, low: 1), IPAddress(high: 0x2001_0db8 << 32 | 1, low: 1), false),
        ])
    func networks(one: IPAddress, other: IPAddress, areSame: Bool) {
        let limiter = RateLimiter(rate: 1)
        #expect(Self.ask(limiter, one, at: 0) == 0)
        #expect((Self.ask(limiter, other, at: 0) > 0) == areSame)
    }

    @Test("a full table drops the network that was idle longest, and never refuses one because of another")
    func bounded() {
        let limiter = RateLimiter(rate: 1, networks: 64)
        for client in 0..<10_000 {
            #expect(Self.ask(limiter, IPAddress(v4: UInt32(client)), at: 0) == 0)
        }
        // A client that asks all the time stays known among few others.
        let few = RateLimiter(rate: 1, networks: 64)
        #expect(Self.ask(few, IPAddress(v4: 1), at: 0) == 0)
        for client in 2..<6 { #expect(Self.ask(few, IPAddress(v4: UInt32(client)), at: 1) == 0) }
        #expect(Self.ask(few, IPAddress(v4: 1), at: 2) > 0)
    }

    @Test("the largest and the least rates are rates", arguments: [-1, 0, 1, 1_000_000_000, Int.max])
    func extremes(rate: Int) {
        let limiter = RateLimiter(rate: rate)
        #expect(Self.ask(limiter, IPAddress(v4: 1), at: 0) == 0)
    }
}
