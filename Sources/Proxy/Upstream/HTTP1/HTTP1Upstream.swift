// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import HTTP1
import Reactor

/// One HTTP/1.1 connection to an app: a request, its response, and again.
final class HTTP1Upstream: TransportOwner, UpstreamStream {
    private enum Phase {
        /// In the pool. Whatever arrives now is the end of the connection, or a mistake of the app.
        case idle
        case head, body
        /// The response is complete; what becomes of the connection is being decided.
        case ended
        case closed
    }

    private(set) var pool: UpstreamPool
    private let transport: Transport
    private let loop: EventLoop
    private let memory: LoopMemory
    private var client: (any UpstreamClient)?
    private var phase = Phase.ended
    private var parser: ResponseParser
    private var response = ResponseHead()
    private var body: BodyDecoder
    private var output = OutputQueue()
    private var method = Method.get
    /// The client may wait for the app before it sends content.
    private var expectsContinue = false
    private var hasServed = false
    private var receivedAny = false
    /// Deviations from HTTP that were accepted. The connection serves no other request after them.
    private var tolerated = TolerationSet()
    /// The app authenticated a user on the connection, or was asked to: it serves one client from then on.
    private var isBound = false
    /// The request continues an authentication that began on this very connection.
    private var continuesHandshake = false
    /// The app takes no more of the request; its response may be on its way.
    private var refusesContent = false
    private let reference = Unowned<HTTP1Upstream>()
    private let timer: LoopTimer

    init(_ transport: Transport, pool: UpstreamPool) {
        self.transport = transport
        self.pool = pool
        memory = pool.environment.memory
        loop = memory.loop
        parser = ResponseParser(limits: pool.environment.limits.message, leniency: pool.configuration.leniency)
        body = BodyDecoder(.none, limits: pool.environment.limits.message)
        timer = loop.makeTimer { [reference] in reference.object?.timedOut() }
        reference.refer(to: self)
        transport.readSize = ReceiveBuffer.bulkRead
        transport.owner = self
    }

    deinit {
        reference.clear()
    }

    /// Waits for its next request.
    var isIdle: Bool { phase == .idle }

    var isReused: Bool { hasServed }

    var peerName: String { transport.peerName }

    /// The socket is full: the request's content has to wait.
    var isBlocked: Bool { output.isBlocked }

    var sink: Transport? { transport }

    /// A connection that ends between two requests cannot report which of them it has processed.
    var mayRefuse: Bool { false }

    // MARK: The request

    func start(_ request: consuming UpstreamRequest, for client: any UpstreamClient) {
        self.client = client
        phase = .head
        receivedAny = false
        method = request.method
        expectsContinue = request.expectsContinue
        continuesHandshake = isBound && request.authenticatesConnection
        if request.authenticatesConnection { isBound = true }
        let contentFollows = request.contentFollows
        // A swap, so that nothing else refers to the memory.
        swap(&output.bytes, &request.head)
        awaitApp()
        if !contentFollows { flush(Span(), Span()) }
    }

    func send(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool, isChunked: Bool) {
        guard phase != .closed, !refusesContent else { return }
        awaitApp()
        if output.bytes.capacity == 0 { output.bytes = memory.takeBuffer() }
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
        memory.withChunkTail(content: content.count, isEnd: isEnd, trailers: trailers) { flush(content, $0) }
    }

    func spliceContent(from source: Transport, atMost most: Int) -> SpliceOutcome {
        guard phase != .closed, !refusesContent else { return .unavailable }
        let outcome = output.splice(from: source, to: transport, atMost: most)
        if outcome.taken > 0 { awaitApp() }
        if case .broken = outcome { writeFailed() }
        return outcome
    }

    private func flush(_ content: Span<UInt8>, _ tail: Span<UInt8>) {
        switch output.send(content, tail, to: transport) {
        case .done: memory.recycleBuffer(&output.bytes)
        case .blocked: break
        case .failed: writeFailed()
        }
    }

    /// The app takes no more bytes. It may have responded before that, so what it sent is read first.
    private func writeFailed() {
        refusesContent = true
        output = OutputQueue()
        transport.resumeReading()
        loop.afterEvent { [self] in
            guard phase == .head || phase == .body else { return }
            transportReadable()
            if phase == .head { lost(closed(failed: true)) }
        }
    }

    /// The app has its time again: until the head of its response, or until the next piece of it.
    @inline(__always)
    private func awaitApp() {
        let patience = phase == .body ? pool.configuration.idleTimeout : pool.configuration.responseTimeout
        timer.set(loop.now.advanced(by: patience))
    }

    // MARK: The response

    func resume() {
        guard phase != .closed else { return }
        transport.resumeReading()
    }

    func pause() {
        transport.pauseReading()
    }

    func transportReadable() {
        let end = transport.readTurn(
            while: { phase != .closed }, boundFor: { client?.sink }, splice: { spliceBody() }, receive: { receive($0) })
        switch end {
        case .nothingNow: break
        case .end: ended()
        case .failed: lost(closed(failed: true))
        }
    }

    func transportWritable() {
        switch output.resume(to: transport) {
        case .done:
            memory.recycleBuffer(&output.bytes)
            awaitApp()
            client?.upstreamWritable()
        case .blocked: awaitApp()
        case .failed: writeFailed()
        }
    }

    func transportPeerClosed(failed: Bool) {
        // Reading is paused because the client is slow. What the app sent before it closed is read later.
    }

    /// Passes content on unread.
    private func spliceBody() -> SpliceOutcome {
        guard phase == .body, let client else { return .unavailable }
        let outcome = client.spliceResponse(from: transport, atMost: body.passableContent)
        if outcome.taken > 0, phase == .body {
            body.pass(outcome.taken)
            awaitApp()
        }
        return outcome
    }

    private func receive(_ input: Span<UInt8>) {
        var position = 0
        while position < input.count {
            let rest = input.extracting(position...)
            switch phase {
            case .idle:
                // Bytes without a request could not be distinguished from the next response.
                if Self.isEmptyLine(rest) { note(TolerationSet(.emptyLine)) }
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

    /// Nil when there is nothing more to read for this request.
    private func receiveHead(_ input: Span<UInt8>) -> Int? {
        guard let client else { return nil }
        // The client may use this connection again before it returns.
        var head = ResponseHead()
        swap(&head, &response)
        defer { swap(&head, &response) }
        let progress: HeadProgress
        do throws(HTTP1Error) {
            progress = try parser.parseHead(input, into: &head, requestMethod: method)
        } catch {
            receivedAny = true
            lost(.malformed(error))
            return nil
        }
        guard progress.isComplete else {
            // An empty line belongs to the response before.
            if parser.isWithinHead { receivedAny = true }
            return progress.consumed
        }
        receivedAny = true
        if !parser.tolerated.isEmpty { note(parser.tolerated) }
        if head.authenticatesConnection { isBound = true }
        if head.isInformational {
            client.informationalResponse(&head)
            head.reset()
            parser.reset()
            return self.client == nil ? nil : progress.consumed
        }
        let rest = input.extracting(progress.consumed...)
        if head.status == 101 {
            // The app cannot agree to a request that was not sent completely.
            guard output.isEmpty else {
                lost(.upgradeUnexpected)
                return nil
            }
            phase = .ended
            client.switchProtocols(&head, of: self, early: rest)
            return nil
        }
        body.begin(
            head.framing, limits: pool.environment.limits.message, leniency: pool.configuration.leniency)
        if head.framing == .none || body.isEnded {
            finish(leftover: rest, isPersistent: head.isPersistent) {
                client.responseBegan(&head, Span(), isEnd: true, trailers: [], more: false)
            }
            return nil
        }
        phase = .body
        awaitApp()
        guard !rest.isEmpty else {
            client.responseBegan(&head, Span(), isEnd: false, trailers: [], more: false)
            return self.client == nil ? nil : progress.consumed
        }
        let isPersistent = head.isPersistent
        let consumed = receiveContent(rest, isPersistent: isPersistent, hasBegun: false) {
            client, content, isEnd, trailers, more in
            client.responseBegan(&head, content, isEnd: isEnd, trailers: trailers, more: more)
        }
        return consumed.map { progress.consumed + $0 }
    }

    private func receiveBody(_ input: Span<UInt8>) -> Int? {
        receiveContent(input, isPersistent: response.isPersistent, hasBegun: true) {
            client, content, isEnd, trailers, more in
            client.responseContent(content, isEnd: isEnd, trailers: trailers, more: more)
        }
    }

    @inline(__always)
    private func receiveContent(
        _ input: Span<UInt8>, isPersistent: Bool, hasBegun: Bool,
        _ deliver: (any UpstreamClient, Span<UInt8>, _ isEnd: Bool, _ trailers: [UInt8], _ more: Bool) -> Void
    ) -> Int? {
        guard let client else { return nil }
        let piece: BodyPiece
        do throws(HTTP1Error) {
            piece = try body.decode(input)
        } catch {
            // What came before the fault may wait for more.
            if hasBegun { client.responseContent(Span(), isEnd: false, trailers: [], more: false) }
            if self.client != nil { lost(.malformed(error)) }
            return nil
        }
        if !body.tolerated.isEmpty { note(body.tolerated) }
        let content = input.extracting(piece.content)
        let more = piece.consumed < input.count
        if piece.isEnd {
            let trailers = body.trailers
            finish(leftover: input.extracting(piece.consumed...), isPersistent: isPersistent) {
                deliver(client, content, true, trailers, false)
            }
            return nil
        }
        deliver(client, content, false, [], more)
        guard self.client != nil, phase == .body else { return nil }
        // Chunk extensions and trailers are no progress.
        if !content.isEmpty { awaitApp() }
        return piece.consumed
    }

    /// The response is complete: releases the connection, then notifies the client, whose next request may use it.
    ///
    /// - Parameter leftover: bytes that followed it.
    private func finish(leftover: Span<UInt8>, isPersistent: Bool, _ deliver: () -> Void) {
        guard let client else { return }
        if !leftover.isEmpty, Self.isEmptyLine(leftover) { note(TolerationSet(.emptyLine)) }
        phase = .ended
        self.client = nil
        hasServed = true
        parser.reset()
        client.upstreamDone()
        // What arrived behind the response would be taken for the next one.
        if isPersistent, leftover.isEmpty, !transport.mayHaveUnread, tolerated.isEmpty, output.isEmpty,
            !refusesContent, client.isRequestComplete
        {
            if isBound { keepBound(for: client) } else { pool.release(self) }
        } else {
            close()
        }
        deliver()
    }

    /// The app closed its side.
    private func ended() {
        guard phase == .body, let client else { return lost(closed(failed: false)) }
        do throws(HTTP1Error) {
            try body.endOfInput()
        } catch {
            return lost(error == .cutShort ? closed(failed: false) : .malformed(error))
        }
        finish(leftover: Span(), isPersistent: false) {
            client.responseContent(Span(), isEnd: true, trailers: [], more: false)
        }
    }

    /// Stays with the client whose request it carried; if that may be several, it ends.
    private func keepBound(for client: any UpstreamClient) {
        guard client.keepsBoundUpstream else { return close() }
        park()
        client.keepBound(self)
        pool.bind(self)
    }

    /// No part of the response arrived on a connection that had served before, so the request can be sent again. Not so
    /// within an authentication, whose rest means nothing on another connection.
    private var wasReused: Bool { hasServed && !receivedAny && !continuesHandshake }

    // MARK: Deviations from HTTP

    /// Counts each kind once for a response.
    private func note(_ found: TolerationSet) {
        let new = found.subtracting(tolerated)
        guard !new.isEmpty else { return }
        tolerated.formUnion(new)
        pool.note(new)
    }

    /// `bytes` behind a response are one CRLF.
    private static func isEmptyLine(_ bytes: Span<UInt8>) -> Bool { bytes.equals("\r\n") }

    // MARK: Idle, lost, closed

    /// Waits in the pool.
    func park() {
        phase = .idle
        memory.recycleBuffer(&output.bytes)
        timer.set(loop.now.advanced(by: pool.configuration.idleTimeout))
        transport.resumeReading()
    }

    func abandon() {
        client = nil
        close()
    }

    /// Hands the socket over to a tunnel, and ends.
    func detach() -> Transport {
        client = nil
        phase = .closed
        timer.cancel()
        memory.recycleBuffer(&output.bytes)
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

    /// Closes a connection that the pool has removed already.
    func closeUncounted() {
        phase = .closed
        timer.cancel()
        transport.close()
        output = OutputQueue()
    }

    private func lost(_ fault: UpstreamFault) {
        guard phase != .closed else { return }
        let client = client
        self.client = nil
        close()
        client?.upstreamLost(fault)
    }

    /// The connection ended.
    private func closed(failed: Bool) -> UpstreamFault {
        if failed, !wasReused, !receivedAny, let refusal = UpstreamFault.refused(transport) { return refusal }
        let what =
            failed ? transport.failureReason ?? "the connection to the app broke" : "the app closed the connection"
        let loss = UpstreamLoss.closed(wasReused: wasReused)
        if phase == .body {
            return UpstreamFault(
                .closed(wasReused: false), .closedInContent, "\(what) before its response was complete")
        }
        guard receivedAny else { return UpstreamFault(loss, .closedBeforeResponse, "\(what) before its response") }
        return UpstreamFault(loss, .closedInHead, "\(what) within the head of its response")
    }

    private func timedOut() {
        switch phase {
        case .idle: close()
        case .head, .body:
            if awaitsClient || phase == .body && response.isEventStream {
                awaitApp()
            } else {
                lost(phase == .body ? .responsePaused : .responseTimeout)
            }
        case .ended, .closed: break
        }
    }

    /// The client is the one waited for, and its own time limits apply: it does not take the response, or has not sent
    /// the whole request (with `Expect` it need not before the app agrees).
    private var awaitsClient: Bool {
        if transport.isReadingPaused { return true }
        guard let client, !client.isRequestComplete, !output.isBlocked, !refusesContent else { return false }
        return receivedAny || !expectsContinue
    }
}
