// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor
import Telemetry

/// One worker's access and audit lines. They are collected and written in batches, at least every 100 ms, so that a
/// request costs no system call for its line.
package final class RequestLog {
    private let format: LogFormat
    private let sink: any LogSink
    private let logsRequests: Bool
    private let level: LogDetail
    private let listener: (any AuditListener)?
    private var lines: AccessLog
    private var buffer: [UInt8] = []
    private var timer: LoopTimer?

    /// - Parameters:
    ///   - logsRequests: false leaves only the audit events, and messages of the level `detail`.
    ///   - listener: gets each audit event too.
    package init(
        format: LogFormat, logsRequests: Bool, detail: LogDetail = .none, sink: any LogSink,
        listener: (any AuditListener)? = nil
    ) {
        self.format = format
        self.logsRequests = logsRequests
        level = detail
        self.sink = sink
        self.listener = listener
        lines = AccessLog(format: format)
    }

    /// Each request has a line.
    var hasAccessLines: Bool { logsRequests }

    /// Something about it is written.
    func records(_ exchange: some FinishedExchange) -> Bool { logsRequests || exchange.record.concernsAudit }

    /// - Parameter app: that the request was for; nil: for none.
    func record(
        _ exchange: some FinishedExchange, _ context: RequestContext, _ client: LoggedClient, _ app: UpstreamName?,
        _ loop: EventLoop
    ) {
        if logsRequests {
            prepare(loop)
            let line = AccessLine(exchange, context, client, app, loop.now)
            exchange.request.log(line, of: exchange, client, &lines, into: &buffer)
        }
        if exchange.record.concernsAudit { auditAll(exchange, context, client, loop) }
        if buffer.count >= Self.batchSize { flush() }
    }

    /// How much it says about single requests besides their access lines.
    var detail: LogDetail { level }

    func note(_ message: RequestMessage, _ loop: EventLoop) {
        prepare(loop)
        message.append(to: &buffer, format: format)
        if buffer.count >= Self.batchSize { flush() }
    }

    private func auditAll(
        _ exchange: some FinishedExchange, _ context: RequestContext, _ client: LoggedClient, _ loop: EventLoop
    ) {
        let record = exchange.record
        // In the order in which they happened: the app is notified before the user is let in.
        if record.isProvisioned { audit(.provisioned, exchange, context, client, loop) }
        if record.opensNativeLogin { audit(.nativeLogin, exchange, context, client, loop) }
        guard let kind = record.auditKind else { return }
        switch kind {
        case .login, .provisioned, .nativeLogin: audit(kind, exchange, context, client, loop)
        case .logout: audit(kind, exchange, context, client, loop, cause: record.logoutCause)
        case .denied, .replayed: audit(kind, exchange, context, client, loop, reason: record.reason)
        }
    }

    func flush() {
        guard !buffer.isEmpty else { return }
        sink.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    private func audit(
        _ kind: AuditEvent.Kind, _ exchange: some FinishedExchange, _ context: RequestContext, _ client: LoggedClient,
        _ loop: EventLoop,
        reason: Reason? = nil, cause: LogoutCause? = nil
    ) {
        prepare(loop)
        let event = AuditEvent(
            kind, time: context.now, id: String(decoding: exchange.requestID, as: UTF8.self),
            client: String(decoding: client.address, as: UTF8.self),
            peer: String(decoding: client.peer, as: UTF8.self),
            host: String(decoding: exchange.request.bytes[exchange.request.authority.range], as: UTF8.self),
            user: exchange.record.user, reason: reason, detail: reason == nil ? nil : exchange.record.detail,
            cause: cause, provider: exchange.record.provider)
        event.append(to: &buffer, format: format)
        listener?.add(event)
    }

    private func prepare(_ loop: EventLoop) {
        guard buffer.isEmpty else { return }
        let timer = timer ?? loop.makeTimer { [weak self] in self?.flush() }
        self.timer = timer
        if timer.deadline == .distantFuture { timer.set(loop.now.advanced(by: .milliseconds(100))) }
    }

    private static let batchSize = 32768
}

extension AccessLine {
    fileprivate init(
        _ exchange: some FinishedExchange, _ context: RequestContext, _ client: LoggedClient, _ app: UpstreamName?,
        _ now: MonotonicTime
    ) {
        let record = exchange.record
        let head = exchange.request
        self.init(
            time: context.now, status: record.status, bytes: exchange.contentSent, bytesReceived: exchange.contentCount,
            duration: now.since(record.started).seconds, upstream: app?.bytes ?? [],
            upstreamDuration: record.upstreamDuration?.seconds,
            // Of a head that could not be read it is not known.
            version: head.methodName.isEmpty ? "" : head.version.name, tls: exchange.peerNames.tlsVersion,
            trace: (exchange.trace?.trace ?? Traceparent(of: head)?.trace).map { TraceWords($0) },
            outcome: record.outcome, would: record.observation?.would,
            reason: record.isAborted ? record.reason ?? .aborted : record.reason, cause: record.cause,
            detail: record.detail, peer: client.peer, provider: record.provider)
    }
}

extension RequestHead {
    fileprivate func log(
        _ line: AccessLine, of exchange: some FinishedExchange, _ logged: LoggedClient, _ lines: inout AccessLog,
        into buffer: inout [UInt8]
    ) {
        let (text, client, id) = (bytes.span, logged.address, exchange.requestID)
        let agent = text.extracting(userAgent.range)
        let user = (exchange.record.user ?? "").utf8.span
        if let subject = exchange.record.subject {
            let (askedMethod, askedPath) = (subject.method, subject.path)
            return lines.append(
                line, id: id.span, client: client.span, method: askedMethod.span,
                host: text.extracting(authority.range), path: askedPath.span, user: user, userAgent: agent, to: &buffer)
        }
        lines.append(
            line, id: id.span, client: client.span, method: text.extracting(methodName.range),
            host: text.extracting(authority.range), path: text.extracting(path.range), user: user, userAgent: agent,
            to: &buffer)
    }
}
