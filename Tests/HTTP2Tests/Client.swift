// SPDX-License-Identifier: Apache-2.0

import HTTP2

/// A client session, and everything it reported.
final class Client: ClientSessionHandler {
    final class Response: StreamHandler {
        unowned let client: Client
        fileprivate(set) var stream: Stream?
        var text = ""
        var content: [UInt8] = []

        init(_ client: Client) {
            self.client = client
        }

        func headReceived(_ text: inout [UInt8], _ kind: Stream.Head, isEnd: Bool) {
            self.text = String(decoding: text, as: UTF8.self)
            log("head\(kind == .informational ? " informational" : "")\(isEnd ? " end" : "")")
        }
        func malformed(_ fault: MalformedHead) { log("malformed") }
        func contentReceived(_ content: Span<UInt8>) {
            for index in content.indices { self.content.append(content[index]) }
            if client.consumes, let stream { client.session.consume(content.count, on: stream) }
        }
        func ended(trailers: [UInt8]) {
            log("end \(String(decoding: content, as: UTF8.self)) \(String(decoding: trailers, as: UTF8.self))")
        }
        func streamClosed(_ end: Stream.End) { log("closed \(end)") }
        func contentLeft() { log("left") }

        private func log(_ what: String) { client.events.append("\(stream?.id ?? 0) \(what)") }
    }

    private(set) var made: ClientSession?
    var events: [String] = []
    var consumes = true
    private var responses: [Response] = []
    private var sent: [UInt8] = []

    init(maximumStreams: Int = 100, head: HeadLimits = HeadLimits(), memory: SessionMemory = SessionMemory()) {
        made = ClientSession(maximumStreams: maximumStreams, head: head, memory: memory, handler: self, now: 0)
    }

    deinit {
        made?.detachHandler()
    }

    var session: ClientSession {
        guard let made else { preconditionFailure("made at the start") }
        return made
    }

    func settingsReceived() { events.append("settings") }
    func goAwayReceived() { events.append("going away") }

    func receive(_ bytes: [UInt8], now: UInt64 = 0) { session.receive(bytes.span, now: now) }

    /// Sends a request with an HTTP/1.1 head; nil if there is no room.
    @discardableResult
    func request(_ text: String = "GET /a HTTP/1.1\r\nHost: app\r\n\r\n", isEnd: Bool = true) -> Stream? {
        var fields = FieldList()
        let bytes = Array(text.utf8)
        fields.begin(requestText: bytes.span, scheme: "http")
        let response = Response(self)
        responses.append(response)
        response.stream = session.request(
            fields, isHead: text.hasPrefix("HEAD"), isEnd: isEnd, handler: response)
        return response.stream
    }

    var last: Response? { responses.last }

    /// Everything sent so far after the preface, as frames.
    func frames() -> [SeenFrame] {
        while session.produce(upTo: 65_536) {}
        sent += session.takeOutput()
        return SeenFrame.all(Array(sent.dropFirst(24)))
    }

    var preface: [UInt8] {
        _ = frames()
        return Array(sent.prefix(24))
    }

    var goAway: ErrorCode? { frames().first { $0.type == 7 }?.errorCode }

    func reset(_ stream: UInt32) -> ErrorCode? {
        frames().first { $0.type == 3 && $0.stream == stream }?.errorCode
    }
}
