// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP2
import Reactor

/// Responses on the stream.
extension HTTP2DownstreamStream: DownstreamStream {
    /// Reading goes on for other streams.
    func watchEnd() {}

    var isBlocked: Bool {
        guard stream.pendingContent >= HTTP2Connection.highWater else { return false }
        stream.awaitsRoom = true
        return true
    }

    var sink: Transport? { nil }

    /// Streams share the connection, and HTTP/2 has no authentication of connections.
    var boundUpstreams: BoundUpstreams? { nil }
    var isOneClient: Bool { false }

    func keep(_ connection: HTTP1Upstream, for identity: Identity?) {
        connection.close()
    }

    /// The exchange lives until the page was sent.
    func keepUntilSent(_ object: AnyObject) {}

    func sendInformational(_ head: borrowing ResponseHead) {
        fields.begin(status: head.status)
        addFields(of: head)
        session.sendInformational(fields, on: stream)
        connection.scheduleFlush()
    }

    func sendContinue() {
        fields.begin(status: 100)
        session.sendInformational(fields, on: stream)
        connection.scheduleFlush()
    }

    func sendHead(
        _ head: borrowing ResponseHead, extra: [UInt8]?, content: Span<UInt8>, isEnd: Bool, trailers: [UInt8],
        more: Bool
    ) {
        // RFC 8441 §5: for the client any 2xx would be the tunnel that the app did not open.
        if isConnect, 200...299 ~= head.status {
            fields.begin(status: 502)
            session.sendHead(fields, on: stream, isEnd: true)
            return connection.scheduleFlush()
        }
        fields.begin(status: head.status)
        addFields(of: head)
        if let extra { fields.add(lines: extra.span) }
        let isComplete = isEnd && content.isEmpty && trailers.isEmpty
        session.sendHead(fields, on: stream, isEnd: isComplete)
        if isComplete {
            connection.scheduleFlush()
        } else {
            sendContent(content, isEnd: isEnd, trailers: trailers, more: more)
        }
    }

    func sendContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        session.send(content, on: stream)
        if isEnd {
            var list: FieldList?
            if !trailers.isEmpty {
                list = FieldList()
                list?.add(lines: trailers.span)
            }
            session.end(stream, trailers: list)
        }
        connection.contentSubmitted(on: stream)
    }

    func sendLocal(_ response: LocalResponse) {
        let isRefusedTunnel = isConnect && 200...299 ~= response.status
        fields.begin(status: isRefusedTunnel ? 502 : response.status)
        fields.add(lines: response.fieldBlock.span)
        let date = connection.memory.date
        fields.add("date", date.span)
        if response.status != 204, response.status != 304, !isRefusedTunnel {
            var length: [UInt8] = []
            length.append(decimal: UInt64(response.body.count))
            fields.add("content-length", length.span)
        }
        let isEmpty = response.body.isEmpty || isHeadRequest || isRefusedTunnel
        session.sendHead(fields, on: stream, isEnd: isEmpty)
        if !isEmpty {
            session.send(response.body.span, on: stream)
            session.end(stream)
        }
        connection.contentSubmitted(on: stream)
    }

    func resumeRequest() {
        connection.wake(self)
    }

    func acceptsSwitch(_ head: borrowing ResponseHead, of request: RequestHead) -> Bool {
        isConnect && head.answersWebSocketKey(of: request)
    }

    func switchProtocols(_ head: borrowing ResponseHead) -> SwitchedConnection? {
        guard !stream.isClosed, isConnect else { return nil }
        // RFC 8441 §5: 200 is what 101 is to HTTP/1.1.
        fields.begin(status: 200)
        addFields(of: head)
        session.sendHead(fields, on: stream, isEnd: false)
        connection.scheduleFlush()
        return SwitchedConnection(transport: becomeTunnel())
    }

    private var fields: FieldList {
        get { connection.shared.memory.fields }
        _modify { yield &connection.shared.memory.fields }
    }

    private func addFields(of head: borrowing ResponseHead) {
        let bytes = head.bytes.span
        for index in head.fields.indices {
            let field = head.fields[index]
            guard ResponseRewrite.passes(field, of: head) else { continue }
            let name = bytes.extracting(field.name.range)
            // RFC 8441 §5: it belongs to the handshake with the app.
            if isConnect, field.known == .other, name.equalsIgnoringCase("sec-websocket-accept") { continue }
            fields.add(name, bytes.extracting(field.value.range), isSensitive: field.known == .setCookie)
        }
    }
}
