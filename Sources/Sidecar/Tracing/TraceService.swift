// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Outbound
import Proxy
import Reactor
import Synchronization
import Telemetry

/// Exports spans of requests (`telemetry`).
final class TraceService: Sendable {
    /// The exporter of one configuration; the one in force where the configuration leaves it unchanged, since spans wait
    /// there.
    struct Prepared: Sendable {
        fileprivate let exporter: SpanExporter
        fileprivate let settings: TelemetrySettings
        fileprivate let tls: ClientTLS

        /// For the workers.
        var export: SpanExport { SpanExport(exporter.queue, share: Double(settings.sample) / 1000) }
    }

    private let version: String
    private let loop: EventLoop
    private let resolver: Resolver
    private let counters: ProcessCounters
    private let logger: Logger
    private let current = Mutex<Prepared?>(nil)

    /// - Parameter version: of the program.
    init(version: String, loop: EventLoop, resolver: Resolver, counters: ProcessCounters, logger: Logger) {
        self.version = version
        self.loop = loop
        self.resolver = resolver
        self.counters = counters
        self.logger = logger
    }

    /// nil: the configuration exports nothing.
    func prepare(_ settings: Settings) throws(ServiceError) -> Prepared? {
        guard let wanted = settings.telemetry else { return nil }
        if let current = current.withLock({ $0 }), wanted.isSame(as: current.settings) {
            return Prepared(exporter: current.exporter, settings: wanted, tls: current.tls)
        }
        let url = try OutboundURL(callable: wanted.url, "telemetry.otlp")
        let tls = try ClientTLS(wanted.tls, "telemetry", counters: counters, logger: logger)
        let envelope = SpanEnvelope(service: wanted.serviceName, version: version, host: HostName.current ?? "")
        let exporter = SpanExporter(
            url, fields: wanted.fields, envelope, counters: counters.spans, loop: loop, resolver: resolver,
            tls: tls.context, logger: logger)
        return Prepared(exporter: exporter, settings: wanted, tls: tls)
    }

    func start(_ prepared: Prepared?) {
        if prepared != nil { counters.spans.use() }
        current.withLock { $0 = prepared }
    }

    /// What waits at the old exporter is sent.
    func replace(with next: Prepared?) {
        if next != nil { counters.spans.use() }
        let old = current.withLock { current in
            defer { current = next }
            return current
        }
        guard let old, old.exporter !== next?.exporter else { return }
        old.exporter.finish(within: Self.patience) { withExtendedLifetime(old) {} }
    }

    /// The workers have ended: sends what waits, and calls back, in a bounded time.
    func stop(_ done: @escaping @Sendable () -> Void) {
        guard let last = current.withLock({ $0 }) else { return done() }
        last.exporter.finish(within: Self.patience) { withExtendedLifetime(last) { done() } }
    }

    /// How long the last spans may take.
    static let patience = Nanoseconds.seconds(3)
}
