// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import HTTP2
import Reactor

/// Responses into the connection, and what follows when one is through.
extension HTTP1Downstream: DownstreamStream {
    var isBlocked: Bool { output.isBlocked }
    var sink: Transport? { transport }

    func sendInformational(_ exchange: Exchange) {
        // HTTP/1.0 knows no 1xx (RFC 9110 §15.2).
        guard exchange.request.version == .http11 else { return }
        prepareOutput()
        ResponseRewrite.appendInformational(exchange.response, into: &output.bytes)
        flush(Span(), Span())
    }

    func sendContinue() {
        prepareOutput()
        output.bytes.append(text: "HTTP/1.1 100 Continue\r\n\r\n")
        flush(Span(), Span())
    }

    func sendHead(
        _ exchange: Exchange, extra: [UInt8]?, content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool
    ) {
        responseIsChunked = false
        responseIsCloseDelimited = false
        switch exchange.response.framing {
        case .none, .length: break
        case .chunked, .untilClose:
            if exchange.request.version == .http11 { responseIsChunked = true } else { responseIsCloseDelimited = true }
        }
        // An early response: the rest of the request is skipped only when that is soon done.
        if responseIsCloseDelimited || !(exchange.isRequestComplete || isEnd && maySkipRest(exchange)) {
            isPersistent = false
        }
        prepareOutput()
        ResponseRewrite.append(
            exchange.response,
            framing: responseIsChunked ? .chunked : responseIsCloseDelimited ? .untilClose : .asReceived,
            persistence: persistence(exchange), extra: extra, into: &output.bytes)
        sendContent(content, isEnd: isEnd, trailers: trailers, more: more)
    }

    func sendContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        guard phase != .closed else { return }
        if more, content.count < OutputQueue.coalescingLimit {
            prepareOutput()
            if responseIsChunked, !content.isEmpty { ChunkEncoder.header(length: content.count, into: &output.bytes) }
            output.bytes.append(span: content)
            if responseIsChunked, !content.isEmpty { ChunkEncoder.chunkEnd(into: &output.bytes) }
            return
        }
        guard responseIsChunked else { return flush(content, Span()) }
        if !content.isEmpty {
            prepareOutput()
            ChunkEncoder.header(length: content.count, into: &output.bytes)
        }
        worker.withChunkTail(content: content.count, isEnd: isEnd, trailers: trailers) { flush(content, $0) }
    }

    func sendLocal(_ response: LocalResponse, to exchange: Exchange) {
        responseIsChunked = false
        responseIsCloseDelimited = false
        if response.closesConnection || !maySkipRest(exchange) { isPersistent = false }
        prepareOutput()
        ResponseRewrite.append(
            response, persistence: persistence(exchange), dateLine: worker.dateLine, into: &output.bytes)
        if exchange.request.method == .head {
            flush(Span(), Span())
        } else {
            flush(response.body.span, Span())
        }
    }

    /// The handshake is the browser's own, which will see to it.
    func acceptsSwitch(_ exchange: Exchange) -> Bool { true }

    func switchProtocols(_ exchange: Exchange) -> (Transport, early: [UInt8])? {
        guard phase != .closed else { return nil }
        prepareOutput()
        ResponseRewrite.appendInformational(exchange.response, into: &output.bytes)
        flush(Span(), Span())
        // The head is a few hundred bytes and the socket was empty: one that cannot take it is broken.
        guard phase != .closed, !output.isBlocked else { return nil }
        let early = unread
        unread = []
        detach()
        transport.owner = nil
        return (transport, early)
    }

    func abort(_ code: ErrorCode) {
        // A response that ends with the connection can only be told from a whole one by a reset.
        close(abruptly: responseIsCloseDelimited)
    }

    func exchangeFinished(isRequestComplete: Bool) {
        exchange = nil
        guard phase != .closed else { return }
        if !isRequestComplete, isPersistent {
            // Only when the request's content is short.
            phase = .skipping
            timer?.set(worker.loop.now.advanced(by: worker.limits.bodyIdleTimeout))
            return useUnread()
        }
        nextRequest()
    }

    /// What came before is done, but for what the socket did not take yet.
    func nextRequest() {
        guard isPersistent else { return linger() }
        guard !output.isBlocked else {
            phase = .flushing
            return
        }
        phase = .head
        idleSince = worker.loop.now
        timer?.set(idleSince.advanced(by: worker.limits.keepAliveTimeout))
        useUnread()
    }

    func persistence(_ exchange: Exchange) -> ResponseRewrite.Persistence {
        guard isPersistent else { return .close }
        return exchange.request.version == .http10 ? .keepAlive : .implied
    }

    /// The rest of the request's content is so short that reading it is cheaper than a new connection.
    func maySkipRest(_ exchange: Exchange) -> Bool {
        guard phase == .content else { return true }
        guard !exchange.request.expectsContinue, case .length(let length) = exchange.request.framing else {
            return false
        }
        return length <= Self.skippableContent
    }

    func prepareOutput() {
        if output.bytes.capacity == 0 { output.bytes = worker.takeBuffer(instead: output.bytes) }
    }

    func flush(_ content: Span<UInt8>, _ tail: Span<UInt8>) {
        switch output.send(content, tail, to: transport) {
        case .done: worker.recycleBuffer(&output.bytes)
        case .blocked: timer?.set(worker.loop.now.advanced(by: worker.limits.bodyIdleTimeout))
        // Not from within the exchange's own call.
        case .failed: worker.loop.afterEvent { [self] in lost() }
        }
    }

    func transportWritable() {
        switch output.resume(to: transport) {
        case .done:
            worker.recycleBuffer(&output.bytes)
            switch phase {
            case .flushing: nextRequest()
            case .lingering: linger()
            default:
                timer?.set(worker.loop.now.advanced(by: worker.limits.keepAliveTimeout))
                exchange?.downstreamWritable()
            }
        case .blocked: timer?.set(worker.loop.now.advanced(by: worker.limits.bodyIdleTimeout))
        case .failed: lost()
        }
    }
}
