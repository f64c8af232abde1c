// SPDX-License-Identifier: Apache-2.0

import Console
import Proxy
import Reactor
import Sidecar
import Synchronization
import Telemetry
import Testing

@Suite("The feed of the audit trail")
struct AuditFeedTests {
    private let feed = AuditFeed()

    init() { feed.turn(on: true) }

    private func add(_ user: String) {
        feed.add(AuditEvent(.login, time: 1_790_000_000, id: "r", client: "192.0.2.1", host: "app.example", user: user))
    }

    private func stream(after number: UInt64 = 0, isAdmitted: @escaping @Sendable () -> Bool = { true }) -> EventStream
    {
        EventStream(feed, after: number, slot: nil, isAdmitted: isAdmitted)
    }

    private static func time(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1).advanced(by: .seconds(seconds))
    }

    /// The content of the next piece; nil: there is none now.
    private static func text(_ piece: ResponsePiece) -> String? {
        if case .content(let bytes) = piece { String(decoding: bytes, as: UTF8.self) } else { nil }
    }

    @Test("a follower gets what is there, and is waked once for what follows")
    func follows() {
        add("ada")
        let (stream, waked) = (stream(), Count())
        stream.start { waked.increment() }
        let first = Self.text(stream.next(Self.time(0)))
        #expect(first?.hasPrefix("retry: 2000\n\nid: \(feed.position(1))\nevent: audit\ndata: {") == true)
        #expect(first?.hasSuffix("}\n\n") == true && first?.contains(#""user":"ada""#) == true)
        guard case .wait = stream.next(Self.time(0)) else {
            Issue.record("there is nothing more")
            return
        }
        #expect(waked.value == 0)
        add("bob")
        add("eve")
        #expect(waked.value == 1)
        let next = Self.text(stream.next(Self.time(0)))
        #expect(next?.contains("bob") == true && next?.contains("eve") == true && next?.contains("ada") == false)
        stream.ended()
        add("zoe")
        #expect(waked.value == 1)
    }

    @Test("a position is one of this process")
    func positions() {
        #expect(feed.number(at: feed.position(17)) == 17)
        let other = AuditFeed()
        for text in [other.position(17), "", "17", "-17", feed.position(1) + "x"] {
            #expect(feed.number(at: text) == nil)
        }
    }

    @Test("who is slower than the ring forgets is told how much is missing, and no more is held")
    func slow() {
        let stream = stream()
        stream.start {}
        for number in 0..<1500 { add("user\(number)") }
        var text = ""
        while let piece = Self.text(stream.next(Self.time(0))) {
            #expect(piece.utf8.count < 65536)
            text += piece
        }
        #expect(text.contains(": 500 events are forgotten\n\n"))
        #expect(!text.contains(#""user":"user499""#) && text.contains(#""user":"user500""#))
        #expect(text.contains(#""user":"user1499""#))
    }

    @Test("something moves every fifteen seconds, whatever happens")
    func heartbeat() {
        let stream = stream()
        stream.start {}
        #expect(Self.text(stream.next(Self.time(0))) == "retry: 2000\n\n")
        guard case .wait(let until) = stream.next(Self.time(1)) else {
            Issue.record("nothing to say")
            return
        }
        #expect(until == Self.time(15))
        #expect(Self.text(stream.next(until)) == ":\n\n")
    }

    @Test("it ends when the follower is no longer admitted, and when the feed closes")
    func ends() {
        let isAdmitted = Flag()
        let (one, other) = (stream(isAdmitted: { isAdmitted.value }), stream())
        let waked = Count()
        for stream in [one, other] {
            stream.start { waked.increment() }
            _ = stream.next(Self.time(0))
            _ = stream.next(Self.time(0))
        }
        isAdmitted.value = false
        guard case .end = one.next(Self.time(2)) else {
            Issue.record("it is not admitted")
            return
        }
        one.ended()
        feed.close()
        #expect(waked.value == 1)
        guard case .end = other.next(Self.time(2)) else {
            Issue.record("the feed is closed")
            return
        }
    }

    @Test("while the console is off nothing is kept")
    func off() {
        add("ada")
        feed.turn(on: false)
        add("bob")
        feed.turn(on: true)
        #expect(feed.history.trail.newest(9).isEmpty)
        add("eve")
        #expect(feed.history.trail.newest(9).map(\.user) == ["eve"])
        #expect(feed.history.signIns.totals(minutes: 60, now: 1_790_000_000).signIns == 1)
    }
}

private final class Count: Sendable {
    private let count = Mutex(0)

    func increment() { count.withLock { $0 += 1 } }

    var value: Int { count.withLock { $0 } }
}

private final class Flag: Sendable {
    private let flag = Mutex(true)

    var value: Bool {
        get { flag.withLock { $0 } }
        set { flag.withLock { $0 = newValue } }
    }
}
