// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor
import Testing

@testable import Proxy

@Suite("Sign-ins whose response reached nobody")
struct UndeliveredSignInsTests {
    private static let keys = [Array("key".utf8)]

    private static func at(_ seconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: (1_000 + seconds) * 1_000_000_000)
    }

    @Test("each counts once, for ten seconds, and for its own token")
    func lifetime() {
        let undelivered = UndeliveredSignIns()
        #expect(!undelivered.take(Self.keys, now: Self.at(0)))
        undelivered.add(Self.keys, now: Self.at(0))
        #expect(!undelivered.take([Array("other".utf8)], now: Self.at(1)))
        #expect(undelivered.take(Self.keys, now: Self.at(9)))
        #expect(!undelivered.take(Self.keys, now: Self.at(9)))
        undelivered.add(Self.keys, now: Self.at(0))
        #expect(!undelivered.take(Self.keys, now: Self.at(10)))
    }

    @Test("their number is bounded, and what is over is forgotten")
    func bounds() {
        let undelivered = UndeliveredSignIns()
        for index in 0..<2000 { undelivered.add([Array("\(index)".utf8)], now: Self.at(0)) }
        let kept = (0..<2000).filter { undelivered.take([Array("\($0)".utf8)], now: Self.at(1)) }
        #expect(kept == Array(0..<1024))
        for index in 0..<1024 { undelivered.add([Array("\(index)".utf8)], now: Self.at(0)) }
        undelivered.add(Self.keys, now: Self.at(11))
        #expect(undelivered.take(Self.keys, now: Self.at(12)))
    }

    /// What happens to the first request, in order; then whether the second one signs in.
    enum Event: CaseIterable {
        case fresh, replayed, unavailable, left
    }

    @Test(
        "only where the token was consumed, and its client has left, in either order",
        arguments: [
            ([Event.fresh, .left], true), ([.left, .fresh], true), ([.fresh, .left, .left], true), ([.fresh], false),
            ([.left], false), ([.replayed, .left], false), ([.unavailable, .left], false), ([.left, .replayed], false),
        ])
    func order(events: [Event], signsIn: Bool) {
        let undelivered = UndeliveredSignIns()
        let first = SignInDelivery(Self.keys, undelivered)
        for event in events {
            switch event {
            case .fresh: #expect(first.answered(.fresh) == .fresh)
            case .replayed: #expect(first.answered(.replayed) == .replayed)
            case .unavailable: #expect(first.answered(.unavailable) == .unavailable)
            case .left: first.clientLeft()
            }
        }
        let second = SignInDelivery(Self.keys, undelivered)
        #expect(second.answered(.replayed) == (signsIn ? .fresh : .replayed))
        // And a third one not: the second has a response.
        #expect(SignInDelivery(Self.keys, undelivered).answered(.replayed) == .replayed)
        // Unless that reached nobody either.
        if signsIn {
            second.clientLeft()
            #expect(SignInDelivery(Self.keys, undelivered).answered(.replayed) == .fresh)
        }
    }
}
