// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import Reactor
import TLS
import TestSupport

/// One end of a connection: writes on request, keeps what it receives.
final class End: TransportOwner {
    enum Ending: Equatable, Sendable {
        case end, failed
    }

    let transport: Transport
    private(set) var received: [UInt8] = []
    private(set) var ending: Ending?
    private(set) var writeFailed = false
    private var output: [UInt8] = []
    private var sent = 0
    private var endsAfterOutput = false
    /// Pauses reading after each so many bytes; 0: never.
    var pausesEach = 0
    private var untilPause = 0
    private let changed: () -> Void

    init(_ transport: Transport, changed: @escaping () -> Void) {
        self.transport = transport
        self.changed = changed
        transport.owner = self
    }

    /// Sends `bytes` in writes of up to three pieces, `step` bytes each.
    func send(_ bytes: [UInt8], step: Int = .max, thenEnds: Bool = false) {
        output += bytes
        self.step = step
        endsAfterOutput = thenEnds
        transportWritable()
    }

    private var step = Int.max

    func transportWritable() {
        while sent < output.count {
            let first = sent..<min(output.count, sent + min(step, output.count))
            let second = first.upperBound..<min(output.count, first.upperBound + min(step, output.count))
            let third = second.upperBound..<output.count
            let bytes = output
            let all = bytes.span
            switch transport.write(all.extracting(first), all.extracting(second), all.extracting(third)) {
            case .wrote(let count):
                sent += count
                if sent < output.count {
                    transport.awaitWritable()
                    return
                }
            case .failed:
                writeFailed = true
                return changed()
            }
        }
        if endsAfterOutput {
            endsAfterOutput = false
            transport.shutDownWriting()
        }
        changed()
    }

    func transportReadable() {
        let turn = transport.readTurn(
            while: { ending == nil }, boundFor: { nil },
            receive: { bytes in
                unsafe bytes.withUnsafeBufferPointer { unsafe received.append(contentsOf: $0) }
                untilPause += bytes.count
                if pausesEach > 0, untilPause >= pausesEach {
                    untilPause = 0
                    transport.pauseReading()
                    transport.loop.nextTurn { [self] in transport.resumeReading() }
                }
            })
        switch turn {
        case .nothingNow: break
        case .end: ending = .end
        case .failed: ending = .failed
        }
        changed()
    }

    func transportPeerClosed(failed: Bool) {}
}

/// A client and a server on one loop, joined by a pair of sockets.
struct Pair: Sendable {
    final class State {
        var client: End?
        var server: End?
        var clientResult: TLSError??
        var serverResult: TLSError??
        var transports: [TLSTransport] = []
    }

    let loop: EventLoop
    private let state: LoopBound<State>
    private let changed = Mailbox<Bool>()

    /// Performs the handshake, or fails to.
    init(
        _ server: TLSServerContext, _ client: TLSClientContext, host: String = "localhost",
        kind: EventLoop.Kind = .batched, sendBuffer: Int32 = 0
    ) async throws {
        let loop = EventLoop(label: "tls", kind: kind)
        self.loop = loop
        let (one, other) = try Pair.sockets(sendBuffer: sendBuffer)
        let changed = changed
        state = try await loop.run {
            let state = State()
            let near = try TLSTransport(
                client: SocketTransport(connected: FileDescriptor(owning: one), loop: loop), client, host: host)
            let far = try TLSTransport(
                server: SocketTransport(connected: FileDescriptor(owning: other), loop: loop), server)
            state.transports = [near, far]
            near.handshake(timeout: .seconds(20)) { failure in
                state.clientResult = .some(failure)
                if failure == nil { state.client = End(near) { changed.send(true) } } else { near.close() }
                changed.send(true)
            }
            far.handshake(timeout: .seconds(20)) { failure in
                state.serverResult = .some(failure)
                if failure == nil { state.server = End(far) { changed.send(true) } } else { far.close() }
                changed.send(true)
            }
            return loop.bind(state)
        }
        try await wait { $0.clientResult != nil && $0.serverResult != nil }
    }

    var clientFailure: TLSError? { get async throws { try await run { $0.clientResult ?? nil } } }
    var serverFailure: TLSError? { get async throws { try await run { $0.serverResult ?? nil } } }

    func run<Value: Sendable>(_ body: @escaping @Sendable (State) throws -> Value) async throws -> Value {
        let state = state
        return try await loop.run { try state.assumeOnLoop { state in Result { try body(state) } }.get() }
    }

    func wait(_ isDone: @escaping @Sendable (State) -> Bool) async throws {
        while try await !run({ isDone($0) }) { _ = try await changed.next() }
    }

    func close() async throws {
        try await run { state in
            for transport in state.transports { transport.close() }
        }
        loop.shutDown()
    }

    static func sockets(sendBuffer: Int32 = 0) throws -> (Int32, Int32) {
        var both: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &both) == 0 else { throw SystemError("socketpair") }
        if sendBuffer > 0 {
            for raw in both {
                var value = sendBuffer
                _ = unsafe setsockopt(raw, SOL_SOCKET, SO_SNDBUF, &value, socklen_t(MemoryLayout<Int32>.size))
            }
        }
        return (both[0], both[1])
    }
}
