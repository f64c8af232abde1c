// SPDX-License-Identifier: Apache-2.0

import Proxy
import Reactor
import Testing

@Suite("The pace of clients")
struct PaceMeterTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let side: PaceMeter.Side
        /// Bytes in the second, counted from 0; measured or not.
        let bytes: @Sendable (Int) -> UInt64
        /// The seconds that are measured.
        var isMeasured: @Sendable (Int) -> Bool = { _ in true }
        /// The second after which the client is too slow.
        let end: Int?
    }

    static let cases: [Case] = [
        Case(testDescription: "nothing of a request", side: .request, bytes: { _ in 0 }, end: 20),
        Case(testDescription: "a byte a second", side: .request, bytes: { _ in 1 }, end: 20),
        Case(testDescription: "just enough", side: .request, bytes: { _ in 512 }, end: nil),
        Case(testDescription: "just too little", side: .request, bytes: { _ in 511 }, end: 20),
        Case(testDescription: "enough at once", side: .request, bytes: { $0 % 10 == 3 ? 5120 : 0 }, end: nil),
        Case(testDescription: "slow at first", side: .request, bytes: { $0 < 10 ? 0 : 512 }, end: nil),
        Case(testDescription: "slow from some moment on", side: .request, bytes: { $0 < 30 ? 512 : 1 }, end: 40),
        Case(testDescription: "nothing of a response", side: .response, bytes: { _ in 0 }, end: 60),
        Case(testDescription: "a byte a second of a response", side: .response, bytes: { _ in 1 }, end: 60),
        Case(testDescription: "just enough of a response", side: .response, bytes: { _ in 512 }, end: nil),
        Case(
            testDescription: "only time that is measured counts", side: .request, bytes: { _ in 0 },
            isMeasured: { $0 % 2 == 0 }, end: 39),
        Case(
            testDescription: "what came otherwise counts too", side: .request, bytes: { $0 % 2 == 0 ? 0 : 512 },
            isMeasured: { $0 % 2 == 0 }, end: nil),
    ]

    @Test("which clients are too slow, and after which time", arguments: Self.cases)
    func tooSlow(_ test: Case) {
        let window = test.side == .request ? ConnectionLimits().requestWindow : ConnectionLimits().responseWindow
        var meter = PaceMeter(test.side, window: window, number: 1, total: 1000)
        var total: UInt64 = 1000
        var end: Int?
        for second in 0..<200 where end == nil {
            total += test.bytes(second)
            if test.isMeasured(second), meter.add(.seconds(1), total: total, rate: 512) { end = second + 1 }
        }
        #expect(end == test.end)
    }

    @Test("a client has stalled while less arrived than the rate requires")
    func stalled() {
        var meter = PaceMeter(.response, window: .seconds(30), number: 1, total: 0)
        _ = meter.add(.milliseconds(250), total: 0, rate: 512)
        _ = meter.add(.milliseconds(250), total: 100, rate: 512)
        #expect(meter.stalled == .milliseconds(500))
        _ = meter.add(.milliseconds(250), total: 1000, rate: 512)
        #expect(meter.stalled == .milliseconds(0))
    }

    @Test(
        "a client that ends its request itself was too slow if it was so for some seconds",
        arguments: [
            (seconds: 3, bytes: 0, isSlow: false), (4, 0, true), (14, 0, true), (9, 511, true), (9, 512, false),
            (14, 40, true), (25, 512, false),
        ])
    func endedByClient(seconds: Int, bytes: Int, isSlow: Bool) {
        var meter = PaceMeter(.request, window: .seconds(10), number: 1, total: 1000)
        for second in 1...seconds { _ = meter.add(.seconds(1), total: UInt64(1000 + second * bytes), rate: 512) }
        #expect(meter.isSlow(total: 0, rate: 512) == isSlow)
        #expect(!meter.isSlow(total: 0, rate: 0))
    }

    @Test("a burst in the window before excuses a client that ends its request itself")
    func burstBeforeTheEnd() {
        var meter = PaceMeter(.request, window: .seconds(10), number: 1, total: 0)
        for second in 1...14 { _ = meter.add(.seconds(1), total: second < 5 ? 0 : 10_000, rate: 512) }
        #expect(!meter.isSlow(total: 0, rate: 512))
    }

    @Test("bytes that came since the last look count", arguments: [(total: UInt64(4095), isSlow: true), (4096, false)])
    func lastBytes(total: UInt64, isSlow: Bool) {
        var meter = PaceMeter(.request, window: .seconds(10), number: 1, total: 0)
        for _ in 1...8 { _ = meter.add(.seconds(1), total: 0, rate: 512) }
        #expect(meter.isSlow(total: total, rate: 512) == isSlow)
    }

    @Test("a rate of none is never missed")
    func off() {
        var meter = PaceMeter(.request, window: .seconds(10), number: 1, total: 0)
        for _ in 0..<100 {
            let isSlow = meter.add(.seconds(1), total: 0, rate: 0)
            #expect(!isSlow)
        }
        #expect(meter.stalled == .milliseconds(0))
    }
}
