// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Transports", .timeLimit(.minutes(5)))
struct TransportTests {
    @Test(
        "bytes are transferred in both directions, in one piece or three", arguments: EventLoop.Kind.allCases,
        Link.available)
    func bothWays(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        try far.write(Array("hello".utf8))
        #expect(try await near.received(5) == Array("hello".utf8))
        let outcomes = try await near.run { recorder in
            let empty: [UInt8] = []
            return [
                recorder.transport.write(Array("one ".utf8).span),
                recorder.transport.write(Array("two ".utf8).span, Array("three ".utf8).span, Array("four ".utf8).span),
                recorder.transport.write(empty.span, empty.span, Array("five".utf8).span),
            ]
        }
        #expect(outcomes == [.wrote(4), .wrote(15), .wrote(4)])
        #expect(try far.read(exactly: 23) == Array("one two three four five".utf8))
        // Again, after both sides were idle.
        try far.write([7])
        #expect(try await near.received(6).last == 7)
        try await near.close()
    }

    @Test("the end comes after the last byte, once", arguments: EventLoop.Kind.allCases, Link.available)
    func end(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        // Both in one event.
        try await loop.run {
            try far.write([1, 2, 3])
            far.close()
        }
        #expect(try await near.ended() == .end)
        try await settle(loop)
        let (received, log) = try await near.run { ($0.received, $0.log) }
        #expect(received == [1, 2, 3])
        #expect(log.first == .bytes(3))
        if kind == .batched { #expect(log == [.bytes(3), .end], "edge-triggered: told once") }
        try await near.close()
    }

    @Test("the end is reported after an idle period", arguments: EventLoop.Kind.allCases, Link.available)
    func lateEnd(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        try far.write([1])
        #expect(try await near.events.next() == .bytes(1))
        try await loop.idle()
        far.close()
        #expect(try await near.ended() == .end)
        try await near.close()
    }

    @Test("sending is possible after the peer's end", arguments: EventLoop.Kind.allCases, Link.available)
    func peerHalfCloses(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        try far.write([1])
        far.shutDownWriting()
        #expect(try await near.ended() == .end)
        // Dispatch reports the end repeatedly until reading pauses.
        try await near.run { recorder in
            recorder.transport.pauseReading()
            #expect(recorder.transport.write([5, 6].span) == .wrote(2))
        }
        #expect(try far.read(exactly: 2) == [5, 6])
        try await near.close()
        #expect(try far.read() == [])
    }

    @Test("receiving is possible after the own end", arguments: EventLoop.Kind.allCases, Link.available)
    func weHalfClose(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        let outcome = try await near.run { recorder in
            _ = recorder.transport.write([9].span)
            recorder.transport.shutDownWriting()
            return recorder.transport.write([9].span)
        }
        #expect(outcome == .failed(EPIPE), "and not a signal to die of")
        #expect(try far.readAll() == [9])
        try far.write([1, 2])
        #expect(try await near.received(2) == [1, 2])
        far.close()
        #expect(try await near.ended() == .end)
        try await near.close()
    }

    @Test("a reset is a failure and not an end", arguments: EventLoop.Kind.allCases, Link.overIP)
    func peerResets(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        try far.write([1])
        #expect(try await near.events.next() == .bytes(1))
        far.reset()
        #expect(try await near.ended() == .failed(ECONNRESET))
        #expect(try await near.run { $0.transport.write([1].span) } == .failed(EPIPE))
        try await near.close()
    }

    @Test(
        "an abrupt close is a reset for the peer, a plain one an end", arguments: EventLoop.Kind.allCases, Link.overIP)
    func weReset(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        for abruptly in [true, false] {
            let (raw, far) = try link.join()
            let near = try await Near(raw, on: loop)
            try await near.run { recorder in
                _ = recorder.transport.write([1].span)
                recorder.transport.close(abruptly: abruptly)
            }
            let result = Result { try far.readAll() }
            switch result {
            case .success(let bytes): #expect(!abruptly && bytes == [1])
            case .failure(let error): #expect(abruptly && error as? SystemError == SystemError("", ECONNRESET))
            }
        }
    }

    @Test("a reset while waiting for room is reported", arguments: EventLoop.Kind.allCases, Link.overIP)
    func resetWhileFull(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        try await near.run { $0.transport.pauseReading() }
        _ = try await near.fill()
        try await near.run { $0.transport.awaitWritable() }
        far.reset()
        while try await near.events.next() != .writable {}
        let outcome = try await near.run { $0.transport.write([1].span) }
        #expect(outcome == .failed(ECONNRESET) || outcome == .failed(EPIPE))
        try await near.close()
    }

    @Test("a closed transport is silent", arguments: EventLoop.Kind.allCases, Link.available)
    func closed(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let (raw, far) = try link.join()
        let near = try await Near(raw, on: loop)
        let released = Mailbox<Void>()
        try await near.run { recorder in
            let sentinel = Sentinel(released)
            recorder.reaction = { _, _ in sentinel.touch() }
            let transport = recorder.transport
            // Both wait for an event, and neither gets one.
            try far.write([1])
            transport.awaitWritable()
            transport.close()
            transport.close(abruptly: true)
            transport.pauseReading()
            transport.resumeReading()
            transport.awaitWritable()
            transport.shutDownWriting()
            #expect(transport.owner == nil)
            #expect(transport.write([1].span) == .failed(EBADF))
            #expect(loop.withReceiveBuffer { transport.read(into: $0) } == .failed(EBADF))
            recorder.reaction = { _, _ in }
        }
        try await released.next()
        try await settle(loop)
        #expect(try await near.run { $0.log } == [])
        // The descriptor is closed.
        let end = try? far.read()
        #expect(end == [] || end == nil)
    }

    @Test("an owner may close from within any call", arguments: EventLoop.Kind.allCases, Link.available)
    func closeInside(kind: EventLoop.Kind, link: Link) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        for event in [Recorder.Event.bytes(1), .writable] {
            let (raw, far) = try link.join()
            let near = try await Near(raw, on: loop)
            try await near.run { recorder in
                recorder.reaction = { recorder, _ in recorder.transport.close() }
                if event == .writable { recorder.transport.awaitWritable() }
                if event != .writable { try far.write([1]) }
            }
            #expect(try await near.events.next() == event)
            #expect(try far.read() == [])
            try await settle(loop)
            #expect(try await near.run { $0.log } == [event])
        }
    }
}
