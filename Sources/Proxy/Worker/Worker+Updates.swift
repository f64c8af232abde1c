// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// What changes while a worker runs, between two events of its loop, and what ends with it.
extension Worker {
    /// Another configuration, whole: from the next request on, and from the next connection on where it is about
    /// connections. What the gate has been told of while it ran stays in force.
    package func replace(
        gate: Gate, configuration: ProxyConfiguration, log: RequestLog?, services: WorkerServices
    ) {
        guard case .gate(let old, _) = service else { return }
        gate.takeOver(from: old)
        let retired = pools
        service = .gate(gate, UpstreamPool(configuration.upstream, worker: self))
        otherPools = configuration.otherUpstreams.map { UpstreamPool($0, worker: self) }
        for pool in retired { pool.retire() }
        retiredPools.removeAll { $0.openCount == 0 }
        retiredPools += retired
        limits = configuration.limits
        trustedProxies = configuration.trustedProxies
        expectsProxyProtocol = configuration.expectsProxyProtocol
        self.log?.flush()
        self.log = log
        // The store of sessions stays: its connection is this loop's own.
        let sessions = self.services.sessions
        self.services = services
        self.services.sessions = sessions
        metrics.provider = configuration.provider
        strictTransportLine = configuration.strictTransportLine
        if let redirect = configuration.redirect { redirector?.replace(redirect, configuration, log) }
        closeWhatEnded(gate)
        slotFreed()
    }

    /// Changes what the gate goes by, then closes what is still open for those whom it no longer lets in: tunnels, and
    /// responses under way. A connection between two requests is left alone, for the next one is judged.
    ///
    /// - Returns: what `change` does; nil without a gate.
    @discardableResult
    package func update<Result>(_ change: (Gate) -> Result) -> Result? {
        guard case .gate(let gate, _) = service else { return nil }
        let result = change(gate)
        closeWhatEnded(gate)
        return result
    }

    private func closeWhatEnded(_ gate: Gate) {
        updateCount &+= 1
        let now = loop.wallClock
        for tunnel in Array(tunnels.values) where tunnel.hasEnded(gate, now: now) { tunnel.close() }
        for exchange in Array(streams.values) {
            guard let identity = exchange.identity, gate.hasEnded(identity, now: now) else { continue }
            exchange.endStream("session_revoked")
        }
    }

    /// Ends sessions; false when there is no room to remember it.
    package func revoke(_ revocation: Revocation) -> Bool {
        update { $0.revoke(revocation, now: clock) } ?? true
    }

    /// Ends the sessions that other replicas know of.
    package func revoke(all revocations: [Revocation]) {
        let now = clock
        update { gate in for revocation in revocations { _ = gate.revoke(revocation, now: now) } }
    }

    /// A token has signed in.
    package func tokenSpent(_ replayKeys: [[UInt8]]) {
        guard case .gate(let gate, _) = service else { return }
        gate.tokenSpent(replayKeys)
    }

    private func replace(_ redirect: SecureRedirect, _ configuration: ProxyConfiguration, _ log: RequestLog?) {
        limits = configuration.limits
        trustedProxies = configuration.trustedProxies
        expectsProxyProtocol = configuration.expectsProxyProtocol
        self.log = log
        service = .handler { request, _, _ in redirect.answer(request) }
    }

    func streamBegan(_ exchange: Exchange) {
        streams[ObjectIdentifier(exchange)] = exchange
    }

    func streamEnded(_ exchange: Exchange) {
        guard !streams.isEmpty else { return }
        streams[ObjectIdentifier(exchange)] = nil
    }
}
