// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP2

/// A session, and everything it reported.
final class Server: ServerSessionHandler {
    final class Request: StreamHandler {
        let stream: Stream
        unowned let server: Server
        private let log: (String) -> Void

        init(_ stream: Stream, _ server: Server) {
            self.stream = stream
            self.server = server
            let id = stream.id
            log = { [unowned server] in server.events.append("\(id) \($0)") }
        }

        var text = ""
        var content: [UInt8] = []
        var closed: Stream.End?

        func headReceived(_ text: inout [UInt8], _ kind: Stream.Head, isEnd: Bool) {
            if kind == .oversizedRequest { return log("too large") }
            self.text = String(decoding: text, as: UTF8.self)
            log("head\(isEnd ? " end" : "")\(kind == .tunnel ? " tunnel" : "")")
        }
        func malformed(_ fault: MalformedHead) { log("malformed \(fault.rawValue)") }
        func contentReceived(_ content: Span<UInt8>) {
            for index in content.indices { self.content.append(content[index]) }
            if server.consumes { server.session.consume(content.count, on: stream) }
        }
        func ended(trailers: [UInt8]) {
            log("end \(String(decoding: content, as: UTF8.self)) \(String(decoding: trailers, as: UTF8.self))")
        }
        func streamClosed(_ end: Stream.End) {
            closed = end
            log("closed \(end)")
        }
        func contentLeft() { log("left") }
    }

    private(set) var made: ServerSession?
    var events: [String] = []
    var requests: [Request] = []
    var consumes = true
    private var sent: [UInt8] = []

    init(_ configuration: SessionConfiguration = SessionConfiguration(), memory: SessionMemory = SessionMemory()) {
        made = ServerSession(configuration, memory: memory, handler: self, now: 0)
    }

    deinit {
        made?.detachHandler()
    }

    var session: ServerSession {
        guard let made else { preconditionFailure("made at the start") }
        return made
    }

    func streamOpened(_ stream: Stream) -> (any StreamHandler, storage: [UInt8]) {
        let request = Request(stream, self)
        requests.append(request)
        return (request, [])
    }
    func tunnelKey() -> [UInt8] { Array("key".utf8) }
    func drainAcknowledged() { events.append("drain acknowledged") }

    func receive(_ bytes: [UInt8], now: UInt64 = 0) { session.receive(bytes.span, now: now) }

    /// Everything sent so far, as frames.
    func frames() -> [SeenFrame] {
        while session.produce(upTo: 65_536) {}
        sent += session.takeOutput()
        return SeenFrame.all(sent)
    }

    /// The connection error that was sent.
    var goAway: ErrorCode? { frames().first { $0.type == 7 }?.errorCode }

    func reset(_ stream: UInt32) -> ErrorCode? {
        frames().first { $0.type == 3 && $0.stream == stream }?.errorCode
    }
}
