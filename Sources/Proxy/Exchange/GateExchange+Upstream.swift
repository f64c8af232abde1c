// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor

/// The connection to the app, and the request that is sent on it.
extension GateExchange {
    func acquireUpstream(fresh: Bool, contentFollows: Bool) {
        // Each time: another configuration may be in force when a request is sent again.
        select(app: service.forwarding.app(for: access))
        let pool = service.pool(of: app)
        record.upstreamStarted = service.loop.now
        // Also with another session, or if a fresh one is needed: those of the session before are closed.
        if let connection = downstream?.boundUpstreams?.take(from: pool, for: passage.identity) {
            if !fresh {
                pool.ledger.hold(for: self)
                return start(on: connection, contentFollows: contentFollows)
            }
            connection.close()
        }
        switch pool.acquire(for: self, fresh: fresh, isAlone: request.authenticatesConnection) {
        case .stream(let stream): start(on: stream, contentFollows: contentFollows)
        case .waiting(let waiter):
            if service.isVerbose { noteWait(pool) }
            wait(as: waiter)
        }
    }

    func acquisitionTimedOut() {
        guard let waiter else { return }
        let id = waiter.ledgerID
        service.measurePaceNow()
        guard self.waiter === waiter, waiter.client != nil, waiter.ledgerID == id else { return }
        let isConnecting = waiter.pool.isConnecting
        waiter.pool.cancel(waiter)
        upstreamLost(isConnecting ? .connectTimeout : .connectionsInUse)
    }

    /// Sends the request on `stream`.
    private func start(on stream: any UpstreamStream, contentFollows: Bool) {
        if service.followsRequests { follow(stream) }
        let action = machine.upstreamAcquired(mayRefuse: stream.mayRefuse)
        use(stream)
        let isChunked = request.framing == .chunked
        switch action {
        case .start:
            let expectsContent = !isRequestComplete
            stream.start(upstreamRequest(stream, expectsContent, contentFollows && expectsContent), for: self)
            if expectsContent, !contentFollows { downstream?.resumeRequest() }
        case .startBeforeContent:
            stream.start(upstreamRequest(stream, true, true), for: self)
        case .startWith(let buffer), .repeat(let buffer):
            stream.start(upstreamRequest(stream, true, true), for: self)
            stream.send(
                buffer.content.span, isEnd: isRequestComplete, trailers: buffer.trailers, more: false,
                isChunked: isChunked)
            if !isRequestComplete { downstream?.resumeRequest() }
        }
    }

    /// For the log and the trace. Not inlined: without either it is not called.
    @inline(never)
    private func follow(_ stream: any UpstreamStream) {
        if service.isVerbose { note(stream) }
        guard let tracer = service.tracing?.tracer, trace == nil else { return }
        withAccess { $0.trace = tracer.begin($0.head) }
    }

    private func upstreamRequest(
        _ stream: any UpstreamStream, _ expectsContent: Bool, _ contentFollows: Bool
    ) -> UpstreamRequest {
        var head = service.memory.takeBuffer()
        writeHead(into: &head)
        return UpstreamRequest(
            head: head, method: request.method, authenticatesConnection: request.authenticatesConnection,
            expectsContinue: request.expectsContinue, takesTrailers: stream.mayRefuse && request.takesTrailers,
            expectsContent: expectsContent, contentFollows: contentFollows)
    }

    /// Appends the request's head as the app gets it.
    private func writeHead(into output: inout [UInt8]) {
        service.forwarding.writeHead(access, for: passage.identity, app: app, into: &output)
        switch request.framing {
        case .none, .untilClose:
            // RFC 9110 §8.6: HTTP/2 shows by its frames that there is no content, HTTP/1.1 by a length.
            if request.version == .http2, request.method.impliesContent { output.append(text: "Content-Length: 0\r\n") }
        case .length(let length):
            output.append(text: "Content-Length: ")
            output.append(decimal: length)
            output.append(text: "\r\n")
        case .chunked: output.append(text: "Transfer-Encoding: chunked\r\n")
        }
        output.append(text: "\r\n")
    }
}

/// The events of pools, and of the connection.
extension GateExchange: UpstreamClient {
    var network: ClientNetwork {
        guard let address = service.gate.client(of: access) ?? context.peer else { return .unknown }
        return ClientNetwork(address)
    }

    func holdIfConnected(to pool: UpstreamPool, _ ledger: LedgerMember, episode: UInt64) -> ClientNetwork? {
        // A note of an earlier episode may arrive after the request was counted in a later one.
        guard usesConnection(of: pool), holding?.episode ?? 0 < episode else { return nil }
        let network = network
        hold(ConnectionHolding(ledger: ledger, network: network, episode: episode))
        return network
    }

    /// It has a connection of `pool`, or one is being made for it.
    private func usesConnection(of pool: UpstreamPool) -> Bool {
        if let upstream { return upstream.pool === pool }
        guard let waiter else { return false }
        return waiter.pool === pool && waiter.ledgerID == nil && pool.defersToContent
    }

    func waitForConnection(until deadline: MonotonicTime) {
        setTimer(deadline)
    }

    func connecting() {
        stopTimer()
    }

    func upstreamReady(_ stream: any UpstreamStream) {
        start(on: stream, contentFollows: false)
    }

    var isRequestComplete: Bool { machine.isRequestComplete }

    var sink: Transport? { downstream?.sink }

    func upstreamWritable() {
        downstream?.resumeRequest()
    }

    func upstreamDone() {
        leaveUpstream()
    }

    func upstreamLost(_ fault: UpstreamFault) {
        stopTimer()
        leaveUpstream()
        let action = machine.upstreamLost(fault.loss)
        if service.isVerbose { note(fault, isRetried: action == .retry) }
        switch action {
        case .retry:
            service.forgetApp(of: self)
            acquireUpstream(fresh: true, contentFollows: false)
        case .answer(let status):
            failed(fault)
            sendUpstreamFailure(status, fault.loss)
        case .abort:
            failed(fault)
            guard case .reset(let end) = fault.loss else { return abandonDownstream(.failed) }
            abandonDownstream(end)
        }
    }

    /// The app failed the request: for the request's own line, and for the program's log.
    func failed(_ fault: UpstreamFault) {
        record.upstreamFailed(fault)
        if fault.isReported { service.pool(of: app).report(fault) }
    }

    func sendUpstreamFailure(_ status: UInt16, _ loss: UpstreamLoss) {
        var statusOfGRPC: String?
        if case .reset(let end) = loss { statusOfGRPC = end.statusOfGRPC }
        sendAnswer(service.gate.responses.upstreamFailure(status, of: access, statusOfGRPC: statusOfGRPC))
    }

    var keepsBoundUpstream: Bool {
        downstream?.isOneClient == true && !service.isDraining && passage.signOut == nil && !request.cameByProxy
    }

    func keepBound(_ connection: HTTP1Upstream) {
        downstream?.keep(connection, for: passage.identity)
    }
}

extension Method {
    /// A request without content is unusual: some servers refuse it without Content-Length (411).
    fileprivate var impliesContent: Bool {
        switch self {
        case .post, .put, .patch: true
        case .get, .head, .delete, .connect, .options, .trace, .other: false
        }
    }
}

extension RequestHead {
    /// TE is `trailers` (RFC 9110 §10.1.4).
    fileprivate var takesTrailers: Bool {
        let bytes = bytes.span
        return fields.contains { field in
            field.known == .te && bytes.extracting(field.value.range).equalsIgnoringCase("trailers")
        }
    }
}
