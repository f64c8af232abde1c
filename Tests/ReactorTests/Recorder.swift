// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport

/// Owns a transport on a loop, reads available bytes and records all events.
final class Recorder: TransportOwner {
    enum Event: Equatable, Sendable {
        case bytes(Int)
        case end
        case failed(Int32)
        case writable
        case peerClosed(failed: Bool)
    }

    let transport: SocketTransport
    private(set) var received: [UInt8] = []
    private(set) var log: [Event] = []
    /// An action in addition to recording.
    var reaction: (Recorder, Event) -> Void = { _, _ in }
    /// The declared destination of the bytes.
    var sink: Transport?
    /// The buffer to read into; the loop's if nil.
    var buffer: ReceiveBuffer?
    private let events: Mailbox<Event>

    init(_ transport: SocketTransport, _ events: Mailbox<Event>) {
        self.transport = transport
        self.events = events
        transport.owner = self
    }

    func transportReadable() {
        while !transport.isReadingPaused {
            let outcome: ReadOutcome
            if let buffer { outcome = read(buffer) } else { outcome = transport.loop.withReceiveBuffer { read($0) } }
            switch outcome {
            case .bytes(let count, let more):
                note(.bytes(count))
                // The reaction may have closed the transport.
                if !more || transport.owner == nil { return }
            case .wouldBlock: return
            case .end: return note(.end)
            case .failed(let code): return note(.failed(code))
            }
        }
    }

    func transportWritable() { note(.writable) }

    func transportPeerClosed(failed: Bool) { note(.peerClosed(failed: failed)) }

    private func read(_ buffer: ReceiveBuffer) -> ReadOutcome {
        let outcome = transport.read(into: buffer, boundFor: sink)
        if case .bytes(let count, _) = outcome {
            buffer.read(count) { bytes in
                unsafe bytes.withUnsafeBytes { unsafe received.append(contentsOf: $0) }
            }
        }
        return outcome
    }

    private func note(_ event: Event) {
        log.append(event)
        events.send(event)
        reaction(self, event)
    }
}

/// A recorder as seen by the test from outside its loop.
struct Near: Sendable {
    let loop: EventLoop
    let events = Mailbox<Recorder.Event>()
    private let recorder: LoopBound<Recorder>

    /// Gives a connected socket to a transport on `loop`.
    init(_ raw: Int32, on loop: EventLoop) async throws {
        self.loop = loop
        recorder = try await loop.run { [events] in
            loop.bind(Recorder(try SocketTransport(connected: FileDescriptor(owning: raw), loop: loop), events))
        }
    }

    /// Takes ownership of a transport; call on its loop.
    init(_ transport: SocketTransport) {
        loop = transport.loop
        recorder = transport.loop.bind(Recorder(transport, events))
    }

    func run<Value: Sendable>(_ body: @escaping @Sendable (Recorder) throws -> Value) async throws -> Value {
        try await loop.run { try recorder.tryOnLoop(body) }
    }

    /// Waits until `count` bytes have been received in all.
    func received(_ count: Int) async throws -> [UInt8] {
        while true {
            let received = try await run { $0.received }
            if received.count >= count { return received }
            _ = try await events.next()
        }
    }

    /// Waits until the stream has ended in any way.
    func ended() async throws -> Recorder.Event {
        while true {
            switch try await events.next() {
            case .bytes, .writable, .peerClosed: continue
            case .end: return .end
            case .failed(let code): return .failed(code)
            }
        }
    }

    func close() async throws {
        try await run { $0.transport.close() }
    }
}

/// Waits until the loop has handled all earlier events: those of a new descriptor come after them.
func settle(_ loop: EventLoop) async throws {
    for _ in 0..<2 {
        let (raw, far) = try Link.socketPair.join()
        let near = try await Near(raw, on: loop)
        try far.write([1])
        _ = try await near.events.next()
        try await near.close()
    }
}

/// A readiness observer made from a closure.
final class Observer: ReadinessObserver {
    private let handle: (ReadinessEvents) -> Void

    init(_ handle: @escaping (ReadinessEvents) -> Void) {
        self.handle = handle
    }

    func descriptorReady(_ events: ReadinessEvents) {
        handle(events)
    }
}
