// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import Reactor

/// One HTTP/1.1 connection to the app: a request out, its response back, and again.
final class HTTP1Upstream: TransportOwner, UpstreamStream {
    private enum Phase {
        /// In the pool. Whatever comes now is the app's end of the connection, or its mistake.
        case idle
        case head, body
        /// Its response is through; the exchange decides what becomes of the connection.
        case ended
        case closed
    }

    let transport: Transport
    let pool: UpstreamPool
    private let worker: Worker
    private var exchange: Exchange?
    private var parser: ResponseParser
    private var body: BodyDecoder
    private var output = OutputQueue()
    private var phase = Phase.ended
    private var hasServed = false
    private var receivedAny = false
    /// The app authenticated somebody on it, or was asked to: it is for one client from then on.
    private var isBound = false
    /// The request goes on with an authentication that began on this very connection.
    private var continuesHandshake = false
    /// The app takes no more of the request; its response may be on its way.
    private var refusesContent = false
    private let timer: LoopTimer

    init(transport: Transport, pool: UpstreamPool, worker: Worker) {
        self.transport = transport
        self.pool = pool
        self.worker = worker
        parser = ResponseParser(limits: worker.limits.message)
        body = BodyDecoder(.none, limits: worker.limits.message)
        let box = Unowned<HTTP1Upstream>()
        timer = worker.loop.makeTimer { box.object?.timedOut() }
        box.object = self
        transport.owner = self
    }

    /// Waits for its next request.
    var isIdle: Bool { phase == .idle }

    /// The socket is full: the request's content has to wait.
    var isBlocked: Bool { output.isBlocked }

    var sink: Transport? { transport }

    /// A connection that ends between two requests cannot say what it looked at.
    var mayRefuse: Bool { false }

    // MARK: The request

    func start(_ exchange: Exchange, expectsContent: Bool, contentFollows: Bool) {
        self.exchange = exchange
        phase = .head
        receivedAny = false
        continuesHandshake = isBound && exchange.request.authenticatesConnection
        if exchange.request.authenticatesConnection { isBound = true }
        output.bytes = worker.takeBuffer(instead: output.bytes)
        exchange.writeUpstreamHead(into: &output.bytes)
        timer.set(worker.loop.now.advanced(by: pool.configuration.responseTimeout))
        if !contentFollows { flush(Span(), Span()) }
    }

    func send(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool, isChunked: Bool) {
        guard phase != .closed, !refusesContent else { return }
        timer.set(worker.loop.now.advanced(by: pool.configuration.responseTimeout))
        if output.bytes.capacity == 0 { output.bytes = worker.takeBuffer(instead: output.bytes) }
        guard isChunked else {
            if more, content.count < OutputQueue.coalescingLimit {
                output.bytes.append(span: content)
            } else {
                flush(content, Span())
            }
            return
        }
        if !content.isEmpty { ChunkEncoder.header(length: content.count, into: &output.bytes) }
        if more, content.count < OutputQueue.coalescingLimit {
            output.bytes.append(span: content)
            if !content.isEmpty { ChunkEncoder.chunkEnd(into: &output.bytes) }
            if isEnd { ChunkEncoder.lastChunk(trailers: trailers, into: &output.bytes) }
            return
        }
        worker.withChunkTail(content: content.count, isEnd: isEnd, trailers: trailers) { flush(content, $0) }
    }

    private func flush(_ content: Span<UInt8>, _ tail: Span<UInt8>) {
        switch output.send(content, tail, to: transport) {
        case .done: worker.recycleBuffer(&output.bytes)
        case .blocked: break
        case .failed: writeFailed()
        }
    }

    /// The app stopped taking bytes. It may have answered before it did so: what it sent is read first.
    private func writeFailed() {
        refusesContent = true
        output = OutputQueue()
        transport.resumeReading()
        worker.loop.afterEvent { [self] in
            guard phase == .head || phase == .body else { return }
            transportReadable()
            if phase == .head { lost(.closed(wasReused: wasReused)) }
        }
    }

    // MARK: The response

    /// Reads on, after ``pause()``.
    func resume() {
        guard phase != .closed else { return }
        transport.resumeReading()
    }

    /// The browser does not take more for now.
    func pause() {
        transport.pauseReading()
    }

    func transportReadable() {
        let end = transport.readTurn(
            while: { phase != .closed }, boundFor: { exchange?.sink }, receive: { receive($0) })
        switch end {
        case .nothingNow: break
        case .turnOver: worker.loop.nextTurn { [self] in transportReadable() }
        case .end: ended()
        case .failed: lost(.closed(wasReused: wasReused))
        }
    }

    func transportWritable() {
        switch output.resume(to: transport) {
        case .done:
            worker.recycleBuffer(&output.bytes)
            timer.set(worker.loop.now.advanced(by: pool.configuration.responseTimeout))
            exchange?.upstreamWritable()
        case .blocked: timer.set(worker.loop.now.advanced(by: pool.configuration.responseTimeout))
        case .failed: writeFailed()
        }
    }

    func transportPeerClosed(failed: Bool) {
        // Reading is paused because the browser is slow. What the app sent before it closed is still to be read then.
    }

    private func receive(_ input: Span<UInt8>) {
        var position = 0
        while position < input.count {
            let rest = input.extracting(position...)
            switch phase {
            case .idle:
                // Bytes that no request asked for: the next response could not be told from them.
                return close()
            case .head:
                guard let consumed = receiveHead(rest) else { return }
                position += consumed
            case .body:
                guard let consumed = receiveBody(rest) else { return }
                position += consumed
            case .ended, .closed:
                return
            }
        }
    }

    /// Nil when the response is over, one way or the other.
    private func receiveHead(_ input: Span<UInt8>) -> Int? {
        guard let exchange else { return nil }
        receivedAny = true
        let progress: HeadProgress
        do throws(HTTP1Error) {
            progress = try parser.parseHead(input, into: &exchange.response, requestMethod: exchange.request.method)
        } catch {
            lost(.malformed)
            return nil
        }
        guard progress.isComplete else { return progress.consumed }
        if exchange.response.authenticatesConnection { isBound = true }
        if exchange.response.isInformational {
            exchange.informationalResponse()
            exchange.response.reset()
            parser.reset()
            return self.exchange == nil ? nil : progress.consumed
        }
        if exchange.response.status == 101 {
            // Before the request is out nobody can have agreed to it.
            guard output.isEmpty else {
                lost(.malformed)
                return nil
            }
            phase = .ended
            exchange.switchingProtocols(self, early: input.extracting(progress.consumed...))
            return nil
        }
        body = BodyDecoder(exchange.response.framing, limits: worker.limits.message)
        if exchange.response.framing == .none || body.isEnded {
            finish(leftover: progress.consumed < input.count) {
                exchange.responseHead(Span(), isEnd: true, trailers: [], more: false)
            }
            return nil
        }
        phase = .body
        timer.set(worker.loop.now.advanced(by: pool.configuration.responseTimeout))
        let rest = input.extracting(progress.consumed...)
        guard !rest.isEmpty else {
            exchange.responseHead(Span(), isEnd: false, trailers: [], more: false)
            return self.exchange == nil ? nil : progress.consumed
        }
        guard let consumed = receiveBody(rest, isFirst: true) else { return nil }
        return progress.consumed + consumed
    }

    private func receiveBody(_ input: Span<UInt8>, isFirst: Bool = false) -> Int? {
        guard let exchange else { return nil }
        let piece: BodyPiece
        do throws(HTTP1Error) {
            piece = try body.decode(input)
        } catch {
            lost(.malformed)
            return nil
        }
        let content = input.extracting(piece.content)
        let more = piece.consumed < input.count
        if piece.isEnd {
            let trailers = body.trailers
            finish(leftover: more) {
                if isFirst {
                    exchange.responseHead(content, isEnd: true, trailers: trailers, more: false)
                } else {
                    exchange.responseBody(content, isEnd: true, trailers: trailers, more: false)
                }
            }
            return nil
        }
        if isFirst {
            exchange.responseHead(content, isEnd: false, trailers: [], more: more)
        } else {
            exchange.responseBody(content, isEnd: false, trailers: [], more: more)
        }
        guard self.exchange != nil, phase == .body else { return nil }
        timer.set(worker.loop.now.advanced(by: pool.configuration.responseTimeout))
        return piece.consumed
    }

    /// The response is whole: releases this connection, then tells the exchange, whose next request may use it.
    private func finish(leftover: Bool, _ deliver: () -> Void) {
        guard let exchange else { return }
        phase = .ended
        self.exchange = nil
        hasServed = true
        parser.reset()
        exchange.upstreamDone()
        if exchange.response.isPersistent, !leftover, output.isEmpty, !refusesContent, exchange.isRequestComplete {
            if isBound { keepBound(for: exchange) } else { pool.release(self) }
        } else {
            close()
        }
        deliver()
    }

    /// The app closed its side.
    private func ended() {
        guard phase == .body else { return lost(.closed(wasReused: wasReused)) }
        do throws(HTTP1Error) {
            try body.endOfInput()
        } catch {
            return lost(.closed(wasReused: false))
        }
        finish(leftover: true) { [exchange] in exchange?.responseBody(Span(), isEnd: true, trailers: [], more: false) }
    }

    /// Stays with the client whose request it carried; where that may be several, it ends.
    private func keepBound(for exchange: Exchange) {
        guard exchange.keepsBoundUpstream else { return close() }
        park()
        exchange.downstream?.keep(self, for: exchange.identity)
        pool.bind(self)
    }

    /// Nothing of the response came on a connection that had served before, so that the request may go again. On another
    /// connection the rest of a handshake means nothing.
    private var wasReused: Bool { hasServed && !receivedAny && !continuesHandshake }

    // MARK: Idle, lost, closed

    /// Waits in the pool.
    func park() {
        phase = .idle
        worker.recycleBuffer(&output.bytes)
        timer.set(worker.loop.now.advanced(by: pool.configuration.idleTimeout))
        transport.resumeReading()
    }

    /// The exchange has no more use for this connection.
    func abandon() {
        exchange = nil
        close()
    }

    /// Hands the socket over to a tunnel; this connection is no more.
    func detach() -> Transport {
        exchange = nil
        phase = .closed
        timer.cancel()
        worker.recycleBuffer(&output.bytes)
        transport.owner = nil
        pool.connectionEnded(self, wasIdle: false)
        return transport
    }

    func close() {
        guard phase != .closed else { return }
        let wasIdle = phase == .idle
        closeUncounted()
        pool.connectionEnded(self, wasIdle: wasIdle)
    }

    /// Closes what the pool has already forgotten.
    func closeUncounted() {
        phase = .closed
        timer.cancel()
        transport.close()
        output = OutputQueue()
    }

    private func lost(_ loss: ExchangeStateMachine.Loss) {
        guard phase != .closed else { return }
        let exchange = exchange
        self.exchange = nil
        close()
        exchange?.upstreamLost(loss)
    }

    private func timedOut() {
        switch phase {
        case .idle: close()
        case .head, .body:
            if awaitsBrowser || phase == .body && exchange?.isEventStream == true {
                timer.set(worker.loop.now.advanced(by: pool.configuration.responseTimeout))
            } else {
                lost(.responseTimeout)
            }
        case .ended, .closed: break
        }
    }

    /// The browser is the one waited for, and its own time limits count: it does not take the response, or has not
    /// sent the whole request (which it need not before the app says so, when it expects that).
    private var awaitsBrowser: Bool {
        if transport.isReadingPaused { return true }
        guard let exchange, !exchange.isRequestComplete, !output.isBlocked, !refusesContent else { return false }
        return receivedAny || !exchange.request.expectsContinue
    }
}

extension OutputQueue {
    /// Pieces smaller than this are copied together rather than sent one by one.
    static let coalescingLimit = 8192
}

/// Lets an object's own timer call it without keeping it alive.
final class Unowned<Object: AnyObject> {
    weak var object: Object?

    init() {}
}
