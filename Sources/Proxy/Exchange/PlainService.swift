// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor

/// The exchanges of a loop that are answered by a function: the demo's servers, the admin listener, redirects to https.
final class PlainService: ExchangeService {
    typealias Function = (RequestHead, [UInt8], Double) -> LocalResponse

    enum Handler {
        case function(Function)
        case responder(any PlainResponder)
    }

    private(set) var loop: EventLoop
    private(set) var handler: Handler
    /// Functions get requests with their content, and not their heads alone. A responder says so itself.
    private(set) var readsContent: Bool
    private let metrics: WorkerMetrics
    private var log: RequestLog?
    private(set) var tracing: RequestTracing?
    private var spares: [PlainExchange] = []
    /// Others wait for a connection.
    private var isCrowded: () -> Bool = { false }

    init(
        _ loop: EventLoop, _ handler: Handler, readsContent: Bool = true, metrics: WorkerMetrics = WorkerMetrics(),
        log: RequestLog? = nil, tracing: RequestTracing? = nil
    ) {
        self.loop = loop
        self.handler = handler
        self.readsContent = readsContent
        self.metrics = metrics
        self.log = log
        self.tracing = tracing
    }

    /// Another configuration is in force.
    func replace(_ handler: Handler, _ log: RequestLog?, _ tracing: RequestTracing?) {
        self.handler = handler
        self.log = log
        self.tracing = tracing
    }

    var clock: ClockReading { ClockReading(wall: loop.wallClock, monotonic: loop.now.seconds) }

    /// Of a response whose head is not one of the connection's own making.
    var dateLine: [UInt8] { Array("Date: ".utf8) + HTTPDate.bytes(loop.wallClock) + [13, 10] }

    /// - Parameter isCrowded: whether others wait for a connection. Then each connection ends after a response: one with a
    ///   row of requests is never idle, and would keep its place for as long as they take.
    func shareConnections(when isCrowded: @escaping () -> Bool) {
        self.isCrowded = isCrowded
    }

    /// Of a response that is sent now.
    var endsConnection: Bool { isCrowded() }

    func makeExchange() -> Exchange {
        spares.popLast() ?? PlainExchange(self)
    }

    func recycle(_ exchange: PlainExchange) {
        guard spares.count < LoopMemory.maximumSpares, exchange.request.bytes.capacity <= LoopMemory.spareCapacity
        else {
            return
        }
        spares.append(exchange)
    }

    func finished(_ exchange: PlainExchange, _ context: RequestContext) {
        metrics.requestEnded(exchange, loop.now)
        let client = exchange.peerNames.client
        log?.record(exchange, context, client, nil, loop)
        guard let spans = tracing?.spans, let trace = exchange.trace, trace.isExported else { return }
        spans.record(exchange, trace, client, nil, loop)
    }

    func webSocketKey() -> [UInt8] { [] }

    func endedSlow(_ side: PaceMeter.Side) {
        metrics.endedSlow(side)
    }

    func hasWaitingRequests(_ now: MonotonicTime) -> Bool { false }

    var shortestWait: Nanoseconds? { nil }
}
