// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization
import TestSupport
import Testing

/// A listener as seen by the test from outside its loop; accepted connections become recorders.
struct Door: Sendable {
    final class State {
        var room = Int.max
        var count = 0
        var asked = 0
        var pauses: [SystemError] = []
        var accepted: [Near] = []
        var reaction: () -> Void = {}
    }

    let address: SocketAddress
    let accepted = Mailbox<(near: Near, from: SocketAddress?)>()
    /// Notified each time the listener checks for room and there is none.
    let asked = Mailbox<Void>()
    let paused = Mailbox<SystemError>()
    private let loop: EventLoop
    private let parts: LoopBound<(listener: Listener, state: State)>

    init(_ address: SocketAddress, sharesPort: Bool = false, on loop: EventLoop) async throws {
        try await self.init(try ListeningSocket(address, sharesPort: sharesPort), on: loop)
    }

    init(_ socket: consuming ListeningSocket, on loop: EventLoop) async throws {
        self.loop = loop
        address = socket.address
        let handover = Handover(socket)
        parts = try await loop.run { [accepted, asked, paused] in
            let state = State()
            let listener = try handover.take { socket in
                try Listener(
                    socket, loop: loop,
                    mayAccept: {
                        state.asked += 1
                        if state.count >= state.room { asked.send() }
                        return state.count < state.room
                    },
                    paused: { error in
                        state.pauses.append(error)
                        paused.send(error)
                    },
                    accepted: { descriptor, address in
                        guard let transport = try? SocketTransport(connected: descriptor, loop: loop) else { return }
                        state.count += 1
                        let near = Near(transport)
                        state.accepted.append(near)
                        accepted.send((near, address))
                        state.reaction()
                    })
            }
            return loop.bind((listener, state))
        }
    }

    func run<Value: Sendable>(_ body: @escaping @Sendable (Listener, State) throws -> Value) async throws -> Value {
        try await loop.run { try parts.tryOnLoop { try body($0.listener, $0.state) } }
    }

    func setRoom(_ room: Int) async throws {
        try await run { $1.room = room }
    }

    /// Calls `tell` for each connection from now on.
    func tell(_ tell: @escaping @Sendable () -> Void) async throws {
        try await run { $1.reaction = tell }
    }

    func close() async throws {
        try await run { listener, _ in listener.close() }
    }

    /// Closes the listener and its connections.
    func closeAll() async throws {
        try await close()
        for near in try await run({ $1.accepted }) { try await near.close() }
    }
}

/// Moves a listening socket, which cannot be copied, into a closure.
final class Handover: Sendable {
    private let socket: Mutex<ListeningSocket?>

    init(_ socket: consuming ListeningSocket) {
        self.socket = Mutex(consume socket)
    }

    func take<Value>(_ body: (consuming ListeningSocket) throws -> Value) throws -> Value {
        var taken: ListeningSocket? = nil
        socket.withLock { swap(&$0, &taken) }
        guard let taken = consume taken else { throw SystemError("taken twice", 0) }
        return try body(taken)
    }
}
