// SPDX-License-Identifier: Apache-2.0

import Reactor
import Redis
import Synchronization

/// Created on a loop, and confined to it.
final class Slot<Value> {
    var value: Value?
}

extension RedisReply<RESPValue> {
    /// Every type.
    static var any: Self { Self { $0 } }
}

/// A test's server: its answer to each command, in order; nil: none, ever.
final class ScriptedRedis: Sendable {
    typealias Answer = @Sendable (_ command: String, _ number: Int) -> String?

    let address: SocketAddress
    private let loop = EventLoop(label: "test.redis.server")
    private let connections = Mutex(0)
    private let listener: LoopBound<Slot<Listener>>
    private let sessions: LoopBound<Slot<[Session]>>
    private let subscribers = Mutex(0)

    init(_ answer: @escaping Answer) throws {
        let socket = try ListeningSocket(SocketAddress.v4(0x7f00_0001, port: 0), sharesPort: false)
        address = socket.address
        listener = loop.bind(Slot<Listener>())
        sessions = loop.bind(Slot<[Session]>())
        let box = Mutex<ListeningSocket?>(consume socket)
        loop.submit { [self] in
            var socket: ListeningSocket?
            box.withLock { swap(&socket, &$0) }
            guard let socket else { return }
            let made = try? Listener(
                socket, loop: loop, mayAccept: { true }, paused: { _ in },
                accepted: { [self] descriptor, _ in
                    let number = connections.withLock { count in
                        count += 1
                        return count
                    }
                    guard let transport = try? SocketTransport(connected: descriptor, loop: loop) else { return }
                    let session = Session(transport, number) { [self] command, number in
                        if command.hasPrefix("SUBSCRIBE") { subscribers.withLock { $0 += 1 } }
                        return answer(command, number)
                    }
                    transport.owner = session
                    sessions.assumeOnLoop { $0.value = ($0.value ?? []) + [session] }
                })
            listener.assumeOnLoop { own in own.value = made }
        }
    }

    var connectionCount: Int { connections.withLock { $0 } }

    /// Sends to all connections that have subscribed, whatever they asked for last.
    func sendToAll(_ text: String) {
        loop.submit { [sessions] in
            sessions.assumeOnLoop { own in
                for session in own.value ?? [] where session.isSubscriber { session.send(text) }
            }
        }
    }

    /// Waits for a subscription; false if none comes.
    func hasSubscriber() async throws -> Bool {
        for _ in 0..<2000 {
            if subscribers.withLock({ $0 > 0 }) { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    private final class Session: TransportOwner {
        private let transport: SocketTransport
        private let number: Int
        private let answer: Answer
        private var parser = RESPParser()
        private(set) var isSubscriber = false

        init(_ transport: SocketTransport, _ number: Int, _ answer: @escaping Answer) {
            self.transport = transport
            self.number = number
            self.answer = answer
        }

        func send(_ text: String) {
            let bytes = Array(text.utf8)
            _ = transport.write(bytes.span)
        }

        func transportReadable() {
            let end = transport.readTurn(
                while: { true }, boundFor: { nil },
                receive: { input in
                    var commands: [RESPValue] = []
                    do { try parser.receive(input) { commands.append($0) } } catch { return }
                    for command in commands {
                        let words = (command.elements ?? []).map { String(decoding: $0.bytes ?? [], as: UTF8.self) }
                        let command = words.joined(separator: " ")
                        if command.hasPrefix("SUBSCRIBE") { isSubscriber = true }
                        guard var text = answer(command, number) else { continue }
                        // PING has a reply of its own, so scripts without special needs do not list it.
                        if command == "PING", text == "+OK\r\n" || text == "+PING\r\n" { text = "+PONG\r\n" }
                        if command == "PING", isSubscriber { text = "*2\r\n$4\r\npong\r\n$0\r\n\r\n" }
                        if text == "close" { return transport.close() }
                        send(text)
                    }
                })
            if end == .end || end == .failed { transport.close() }
        }

        func transportWritable() {}
        func transportPeerClosed(failed: Bool) {}
    }
}

/// The commands that a server got, in order.
final class Seen: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    var all: [String] { lines.withLock { $0 } }
}
