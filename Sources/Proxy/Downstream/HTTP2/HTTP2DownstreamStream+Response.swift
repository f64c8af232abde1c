// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP2
import Reactor

/// Responses into the stream.
extension HTTP2DownstreamStream: DownstreamStream {
    var isBlocked: Bool {
        guard stream.pendingContent >= Self.highWater else { return false }
        stream.awaitsRoom = true
        return true
    }

    /// Content is framed before it goes into the socket, and shares it.
    var sink: Transport? { nil }

    /// Streams share the connection, and over HTTP/2 there is no authentication of connections.
    var boundUpstreams: BoundUpstreams? { nil }
    var isOneClient: Bool { false }

    func keep(_ connection: HTTP1Upstream, for identity: Identity?) {
        connection.close()
    }

    func sendInformational(_ exchange: Exchange) {
        fields.begin(status: exchange.response.status)
        addFields(of: exchange.response)
        session.sendInformational(fields, on: stream)
        connection.scheduleFlush()
    }

    func sendContinue() {
        fields.begin(status: 100)
        session.sendInformational(fields, on: stream)
        connection.scheduleFlush()
    }

    func sendHead(
        _ exchange: Exchange, extra: [UInt8]?, content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool
    ) {
        // RFC 8441 §5: to the client any 2xx would be the tunnel that the app did not open.
        if isTunnel, 200...299 ~= exchange.response.status {
            fields.begin(status: 502)
            session.sendHead(fields, on: stream, isEnd: true)
            return connection.scheduleFlush()
        }
        fields.begin(status: exchange.response.status)
        addFields(of: exchange.response)
        if let extra { fields.add(lines: extra.span) }
        let isWhole = isEnd && content.isEmpty && trailers.isEmpty
        session.sendHead(fields, on: stream, isEnd: isWhole)
        if isWhole {
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
        connection.contentGiven(to: stream)
    }

    func sendLocal(_ response: LocalResponse, to exchange: Exchange) {
        let isRefusedTunnel = isTunnel && 200...299 ~= response.status
        fields.begin(status: isRefusedTunnel ? 502 : response.status)
        fields.add(lines: response.fieldBlock.span)
        let date = worker.date
        fields.add("date", date.span)
        if response.status != 204, response.status != 304, !isRefusedTunnel {
            var length: [UInt8] = []
            length.append(decimal: UInt64(response.body.count))
            fields.add("content-length", length.span)
        }
        let isEmpty = response.body.isEmpty || exchange.request.method == .head || isRefusedTunnel
        session.sendHead(fields, on: stream, isEnd: isEmpty)
        if !isEmpty {
            session.send(response.body.span, on: stream)
            session.end(stream)
        }
        connection.contentGiven(to: stream)
    }

    func abort(_ code: ErrorCode) {
        exchange = nil
        session.reset(stream, code)
        connection.scheduleFlush()
    }

    func exchangeFinished(isRequestComplete: Bool) {
        exchange = nil
        // What is left of the request is thrown away, and the stream reset a moment after the response has left.
        inbound = []
        if !stream.isInboundEnded { connection.scheduleCheck(of: self, after: Self.stopTime) }
        connection.wake(self)
    }

    func resumeRequest() {
        connection.wake(self)
    }

    func acceptsSwitch(_ exchange: Exchange) -> Bool {
        guard isTunnel else { return false }
        return exchange.response.answersWebSocketKey(of: exchange.request)
    }

    func switchProtocols(_ exchange: Exchange) -> (Transport, early: [UInt8])? {
        guard !stream.isClosed, isTunnel else { return nil }
        // RFC 8441 §5: 200 is what 101 is to HTTP/1.1.
        fields.begin(status: 200)
        addFields(of: exchange.response)
        session.sendHead(fields, on: stream, isEnd: false)
        connection.scheduleFlush()
        self.exchange = nil
        let tunnel = HTTP2TunnelTransport(self)
        self.tunnel = tunnel
        return (tunnel, [])
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
            // RFC 8441 §5: belongs to the handshake with the app.
            if isTunnel, field.known == .other, name.equalsIgnoringCase("sec-websocket-accept") { continue }
            fields.add(name, bytes.extracting(field.value.range), isSensitive: field.known == .setCookie)
        }
    }
}
