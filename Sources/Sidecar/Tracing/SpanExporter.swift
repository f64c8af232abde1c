// SPDX-License-Identifier: Apache-2.0

import HTTP
import Logging
import Outbound
import Proxy
import Reactor
import TLS
import Telemetry

/// Sends spans to a collector by OTLP over HTTP with JSON, from a loop that is not a worker's: in batches, one request at
/// a time. While the collector does not take them they wait, as far as there is room.
package final class SpanExporter: Sendable {
    /// Where workers put spans.
    package let queue: SpanQueue
    private let loop: EventLoop
    private let sending: LoopBound<Sending>

    /// - Parameters:
    ///   - fields: of each request.
    ///   - loop: where calls are made.
    ///   - tls: for https; nil: such a URL fails.
    package init(
        _ url: OutboundURL, fields: [(name: String, value: String)], _ envelope: SpanEnvelope, counters: SpanCounters,
        loop: EventLoop, resolver: Resolver, tls: TLSClientContext?, logger: Logger
    ) {
        let sending = loop.bind(
            Sending(
                url, fields: fields, envelope, counters: counters, loop: loop,
                client: OutboundClient(loop: loop, resolver: resolver, tls: tls), logger: logger))
        self.sending = sending
        self.loop = loop
        let queue = SpanQueue(
            dropped: { counters.add($0, .dropped) },
            filled: { isFull in loop.submit { sending.assumeOnLoop { $0.filled(isFull: isFull) } } })
        self.queue = queue
        loop.submit { sending.assumeOnLoop { $0.take(from: queue) } }
    }

    /// Sends what waits, and calls back, on the loop, when that is done or the time is over.
    package func finish(within limit: Nanoseconds, _ done: @escaping @Sendable () -> Void) {
        loop.submit { [sending] in sending.assumeOnLoop { $0.finish(within: limit, done) } }
    }
}

/// The state of a ``SpanExporter``, on its loop.
private final class Sending {
    private enum State {
        /// Nothing waits.
        case idle
        /// Spans are collected until the timer fires, or a request's worth is there.
        case collecting
        case calling(SpanBatch, OutboundCall)
        /// The collector is not ready; the spans that it did not take, if they are to be tried again.
        case pausing(SpanBatch?)
        case ended
    }

    private let url: OutboundURL
    private let fields: [(name: String, value: String)]
    private let envelope: SpanEnvelope
    private let counters: SpanCounters
    private let loop: EventLoop
    private let client: OutboundClient
    private let logger: Logger
    /// Of the exporter, which refers to this object.
    private weak var queue: SpanQueue?
    private var state = State.idle
    private var schedule = ExportSchedule()
    private var timer: LoopTimer?
    private var reports = ExportReports()
    /// The time limit of the end, and what is called then.
    private var finishing: (timer: LoopTimer, done: @Sendable () -> Void)?

    init(
        _ url: OutboundURL, fields: [(name: String, value: String)], _ envelope: SpanEnvelope, counters: SpanCounters,
        loop: EventLoop, client: OutboundClient, logger: Logger
    ) {
        self.url = url
        self.fields = [("Content-Type", "application/json"), ("Accept", "application/json")] + fields
        self.envelope = envelope
        self.counters = counters
        self.loop = loop
        self.client = client
        self.logger = logger
    }

    func take(from queue: SpanQueue) {
        self.queue = queue
    }

    func filled(isFull: Bool) {
        switch state {
        case .idle where isFull, .collecting where isFull: next()
        case .idle:
            state = .collecting
            setTimer(Self.delay)
        case .collecting, .calling, .pausing, .ended: break
        }
    }

    private func setTimer(_ delay: Nanoseconds) {
        let timer = timer ?? loop.makeTimer { [weak self] in self?.timedOut() }
        self.timer = timer
        timer.set(loop.now.advanced(by: delay))
    }

    private func timedOut() {
        switch state {
        case .pausing(let batch?): call(batch)
        case .pausing(nil), .collecting: next()
        case .idle, .calling, .ended: break
        }
    }

    /// Sends the next spans that wait.
    private func next() {
        timer?.cancel()
        guard let batch = queue?.take() else {
            state = .idle
            return ended()
        }
        call(batch)
    }

    private func call(_ batch: SpanBatch) {
        var request = OutboundRequest(
            method: "POST", url: url, fields: fields, body: envelope.body(batch), timeout: Self.timeout,
            maximumBytes: Self.maximumAnswer)
        // Its status suffices; what it says besides is read as far as it is short.
        request.readsContentInPart = true
        state = .calling(batch, client.send(request) { [weak self] in self?.answered($0) })
    }

    private func answered(_ result: Result<OutboundResponse, OutboundFailure>) {
        guard case .calling(let batch, _) = state else { return }
        switch ExportAnswer(result, now: loop.wallClock) {
        case .accepted(let count):
            let rejected = min(count, batch.count)
            counters.add(batch.count - rejected, .exported)
            counters.add(rejected, .rejected)
            schedule.settled(isSuccess: true)
            if rejected > 0 {
                report("the collector rejected spans", "a partial success", rejected)
            } else if reports.recovered() {
                logger.info("spans are exported again", metadata: ["url": "\(url)"])
            }
            goOn()
        case .refused(let cause):
            counters.add(batch.count, .rejected)
            schedule.settled(isSuccess: false)
            report("the collector rejected spans", cause, batch.count)
            goOn()
        case .unavailable(let cause, let pause):
            let step = schedule.failed(pause: pause, jitter: Double.random(in: 0...1))
            report("spans could not be exported", cause, batch.count)
            guard finishing == nil else { return giveUp(batch) }
            if step.givesUp { counters.add(batch.count, .failed) }
            state = .pausing(step.givesUp ? nil : batch)
            setTimer(step.pause)
        }
    }

    /// After an answer: at once while much waits, else when more has been collected.
    private func goOn() {
        guard finishing == nil, queue?.isFull == false else { return next() }
        state = .collecting
        setTimer(Self.delay)
    }

    private func report(_ message: Logger.Message, _ cause: String, _ count: Int) {
        guard reports.isDue(loop.now) else { return }
        logger.warning(message, metadata: ["url": "\(url)", "cause": "\(cause)", "spans": "\(count)"])
    }

    // MARK: The end

    func finish(within limit: Nanoseconds, _ done: @escaping @Sendable () -> Void) {
        guard finishing == nil else { return done() }
        // It keeps this object alive until then.
        let timer = loop.makeTimer { [self] in overdue() }
        timer.set(loop.now.advanced(by: limit))
        finishing = (timer, done)
        switch state {
        case .idle, .collecting, .pausing(nil): next()
        case .pausing(let batch?):
            self.timer?.cancel()
            call(batch)
        case .calling: break
        case .ended: ended()
        }
    }

    private func overdue() {
        guard case .calling(let batch, let call) = state else { return giveUp(SpanBatch()) }
        call.cancel()
        giveUp(batch)
    }

    /// The collector has not taken the last spans, and no time is left.
    private func giveUp(_ batch: SpanBatch) {
        var count = batch.count
        while let rest = queue?.take() { count += rest.count }
        counters.add(count, .failed)
        state = .idle
        ended()
    }

    private func ended() {
        guard let (timer, done) = finishing else { return }
        finishing = nil
        timer.cancel()
        state = .ended
        queue?.close()
        queue = nil
        done()
    }

    /// How long spans are collected.
    private static let delay = Nanoseconds.seconds(1)
    /// The default of OTLP exporters.
    private static let timeout = Nanoseconds.seconds(10)
    private static let maximumAnswer = 65536
}

/// What the log says of an exporter: at most once a minute while it fails.
private struct ExportReports {
    private var nextAt: MonotonicTime?

    mutating func isDue(_ now: MonotonicTime) -> Bool {
        if let nextAt, now < nextAt { return false }
        nextAt = now.advanced(by: .seconds(60))
        return true
    }

    /// Something was reported since the last success.
    mutating func recovered() -> Bool {
        defer { nextAt = nil }
        return nextAt != nil
    }
}
