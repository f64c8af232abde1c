// SPDX-License-Identifier: Apache-2.0

import Proxy
import Testing

@Suite("Output queue")
struct OutputQueueTests {
    private static let head = Array("head".utf8)
    private static let content = Array("content".utf8)
    private static let tail = Array("\r\n".utf8)
    private static let all = head + content + tail

    @Test("head, content and tail leave in one write when the socket takes them")
    func takesAll() {
        let transport = FakeTransport()
        var queue = OutputQueue()
        queue.bytes = Self.head
        #expect(queue.send(Self.content.span, Self.tail.span, to: transport) == .done)
        #expect(transport.written == Self.all)
        #expect(transport.writes == 1)
        #expect(queue.isEmpty && !queue.isBlocked && !transport.awaitsWritable)
    }

    @Test("what is short leaves in one piece when the queue's memory has room, what is long is not copied")
    func copiesWhatIsShort() {
        for (room, count, pieces) in [(4096, 2048, 1), (4096, 2049, 2), (8192, 8000, 2), (0, 2048, 2), (4096, 0, 1)] {
            let transport = FakeTransport()
            var queue = OutputQueue()
            queue.bytes = Self.head
            queue.bytes.reserveCapacity(room)
            let content = [UInt8](repeating: 0x61, count: count)
            #expect(queue.send(content.span, Span(), to: transport) == .done)
            #expect(transport.written == Self.head + content)
            #expect(transport.pieces == pieces, "\(count) bytes with room for \(room)")
            #expect(queue.isEmpty && queue.bytes.isEmpty)
        }
    }

    @Test("nothing to send writes nothing")
    func nothing() {
        let transport = FakeTransport()
        var queue = OutputQueue()
        #expect(queue.send(Span(), Span(), to: transport) == .done)
        #expect(transport.writes == 0)
    }

    @Test("whatever two writes take, the bytes arrive in order, once", arguments: 0...OutputQueueTests.all.count)
    func partialWrites(first: Int) {
        for second in 0...Self.all.count {
            let transport = FakeTransport(takes: [first, second])
            var queue = OutputQueue()
            queue.bytes = Self.head
            queue.bytes.reserveCapacity(second.isMultiple(of: 2) ? 0 : 4096)
            var outcome = queue.send(Self.content.span, Self.tail.span, to: transport)
            #expect((outcome == .done) == (first == Self.all.count))
            var rounds = 0
            while outcome == .blocked, rounds < 5 {
                #expect(queue.isBlocked && transport.awaitsWritable && !queue.isEmpty)
                outcome = queue.resume(to: transport)
                rounds += 1
            }
            #expect(outcome == .done)
            #expect(transport.written == Self.all, "after \(first) and \(second)")
            #expect(queue.isEmpty && !queue.isBlocked && queue.bytes.isEmpty)
        }
    }

    @Test("what is sent while the socket is full waits behind what waits", arguments: 0..<OutputQueueTests.all.count)
    func appendsWhileBlocked(first: Int) {
        for second in 0...2 * Self.all.count {
            let transport = FakeTransport(takes: [first, second])
            var queue = OutputQueue()
            queue.bytes = Self.head
            queue.bytes.reserveCapacity(second.isMultiple(of: 2) ? 0 : 4096)
            #expect(queue.send(Self.content.span, Self.tail.span, to: transport) == .blocked)
            // The next head is written straight into the queue, as the connections do.
            queue.bytes += Self.head
            #expect(queue.send(Self.content.span, Self.tail.span, to: transport) == .blocked)
            #expect(transport.writes == 1)
            var outcome = queue.resume(to: transport)
            if outcome == .blocked { outcome = queue.resume(to: transport) }
            #expect(outcome == .done)
            #expect(transport.written == Self.all + Self.all, "after \(first) and \(second)")
        }
    }

    @Test("a broken connection is reported, at once and later")
    func fails() {
        let transport = FakeTransport(takes: [3, -1])
        var queue = OutputQueue()
        queue.bytes = Self.head
        #expect(queue.send(Span(), Span(), to: transport) == .blocked)
        #expect(queue.resume(to: transport) == .failed)
        let broken = FakeTransport(takes: [-1])
        var other = OutputQueue()
        #expect(other.send(Self.content.span, Span(), to: broken) == .failed)
        #expect(other.isBlocked && !broken.awaitsWritable)
    }

    @Test("nothing follows a write that failed, though the socket takes bytes again")
    func isOver() {
        let transport = FakeTransport(takes: [3, -1])
        var queue = OutputQueue()
        queue.bytes = Self.head
        #expect(queue.send(Self.content.span, Span(), to: transport) == .blocked)
        #expect(queue.resume(to: transport) == .failed)
        #expect(queue.send(Self.content.span, Self.tail.span, to: transport) == .failed)
        #expect(queue.resume(to: transport) == .failed)
        #expect(transport.written == Array(Self.head.prefix(3)) && transport.writes == 2)
    }
}
