// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor
import TLS

/// Listens and serves on one event loop.
package protocol LoopServer: AnyObject, SendableMetatype {
    /// Open connections of clients, with tunnels.
    var connectionCount: Int { get }

    /// Serves the connections of `socket` from now on.
    ///
    /// - Parameter redirects: only to redirect them to https, if the configuration says so.
    func listen(
        on socket: consuming ListeningSocket, redirects: Bool, paused: @escaping (SystemError) -> Void
    ) throws(SystemError)

    /// Accepts no more and lets requests in flight finish; `completion` is called once, when all have.
    func drain(_ completion: @escaping () -> Void)

    /// Closes everything at once.
    func stop()
}

/// Everything that one event loop needs to guard apps: its gate, its connections to the apps, its clients, and the memory
/// that they share. It shares nothing with other loops.
package final class Worker: LoopServer {
    private let service: GateService
    private let clients: ClientConnections
    /// Serves the addresses that only redirect; nil: there are none.
    private let redirector: Redirector?

    package init(
        loop: EventLoop, gate: Gate, configuration: ProxyConfiguration, resolver: Resolver,
        replayStore: any ReplayStore, log: RequestLog?, services: WorkerServices = WorkerServices()
    ) {
        let memory = LoopMemory(loop)
        let service = GateService(
            gate, configuration.service, memory: memory, resolver: resolver, replayStore: replayStore, log: log,
            services: services)
        self.service = service
        clients = ClientConnections(
            memory, service, limits: configuration.limits, trust: configuration.trust, tls: configuration.tls)
        redirector = configuration.redirect.map {
            Redirector(
                $0, configuration, memory: memory, metrics: service.metrics, log: log, tracing: service.tracing)
        }
        service.attach(clients)
    }

    deinit {
        service.detach()
    }

    package func listen(
        on socket: consuming ListeningSocket, redirects: Bool = false, paused: @escaping (SystemError) -> Void
    ) throws(SystemError) {
        let clients = redirects ? redirector?.clients ?? clients : clients
        try clients.listen(on: socket, paused: paused)
    }

    package var connectionCount: Int { clients.count }

    /// Open connections to apps and attempts to open one, without tunnels.
    package var upstreamConnectionCount: Int { service.upstreamConnectionCount }

    package var isDraining: Bool { service.isDraining }

    /// The current counters.
    package func metricsSnapshot() -> MetricsSnapshot {
        var snapshot = service.snapshot()
        var counts = ["http1": 0, "http2": 0, "tunnel": clients.tunnelCount, "handshake": clients.handshakeCount]
        for connection in clients.connections.values {
            counts[connection.isHTTP2 ? "http2" : "http1", default: 0] += 1
        }
        counts["http1", default: 0] += redirector?.clients.connections.count ?? 0
        snapshot.connections = counts
        return snapshot
    }

    // MARK: Changes, between two events of the loop

    /// Another configuration, complete: from the next request on, and from the next connection on where it is about
    /// connections. The new gate keeps what the old one learnt at run time.
    package func replace(
        gate: Gate, configuration: ProxyConfiguration, log: RequestLog?, services: WorkerServices
    ) {
        service.replace(gate, configuration.service, log, services)
        if let redirect = configuration.redirect { redirector?.replace(redirect, configuration, log, service.tracing) }
        clients.replace(configuration.limits, configuration.trust)
    }

    /// Changes sessions or lists of the gate, then ends what is no longer authorized.
    @discardableResult
    package func update<Result>(_ change: (Gate) -> Result) -> Result {
        service.update(change)
    }

    /// Ends sessions; false if there is no room to remember it.
    package func revoke(_ revocation: Revocation) -> Bool {
        service.revoke(revocation)
    }

    /// Ends sessions that were ended on other replicas; returns how many of the revocations there was no room for.
    package func revoke(all revocations: [Revocation]) -> Int {
        let now = service.clock
        for revocation in revocations { RepeatedReturns.ofThisProcess.end(revocation) }
        return update { gate in revocations.count { !gate.revoke($0, now: now) } }
    }

    /// A token has been used to sign in.
    package func tokenSpent(_ replayKeys: [[UInt8]]) {
        service.gate.tokenSpent(replayKeys)
    }

    // MARK: Stopping

    package func drain(_ completion: @escaping () -> Void) {
        var left = redirector == nil ? 1 : 2
        let drained = {
            left -= 1
            if left == 0 { completion() }
        }
        service.drain()
        redirector?.clients.drain(drained)
        clients.drain(drained)
    }

    package func stop() {
        clients.stop()
        redirector?.clients.stop()
        service.drain()
        service.flushLog()
    }
}

/// The part of a worker that redirects browsers to https.
private final class Redirector {
    private(set) var clients: ClientConnections
    private let service: PlainService

    init(
        _ redirect: SecureRedirect, _ configuration: ProxyConfiguration, memory: LoopMemory, metrics: WorkerMetrics,
        log: RequestLog?, tracing: RequestTracing?
    ) {
        service = PlainService(
            memory.loop, Self.handler(redirect), readsContent: false, metrics: metrics, log: log, tracing: tracing)
        clients = ClientConnections(memory, service, limits: configuration.limits, trust: configuration.trust)
    }

    func replace(
        _ redirect: SecureRedirect, _ configuration: ProxyConfiguration, _ log: RequestLog?, _ tracing: RequestTracing?
    ) {
        service.replace(Self.handler(redirect), log, tracing)
        clients.replace(configuration.limits, configuration.trust)
    }

    private static func handler(_ redirect: SecureRedirect) -> PlainService.Handler {
        .function { request, _, _ in redirect.answer(request) }
    }
}
