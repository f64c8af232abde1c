// SPDX-License-Identifier: Apache-2.0

extension Worker {
    /// The counters as they are now.
    package func metricsSnapshot() -> MetricsSnapshot {
        var snapshot = metrics.snapshot()
        snapshot.connections = connectionsByProtocol
        for pool in pools + retiredPools {
            snapshot.waiting &+= UInt64(clamping: pool.waitingCount)
            snapshot.upstreamConnections &+= UInt64(clamping: pool.openCount)
        }
        return snapshot
    }

    /// Open client connections by protocol.
    private var connectionsByProtocol: [String: Int] {
        var counts = ["http1": 0, "http2": 0, "tunnel": tunnelCount, "handshake": handshakeCount]
        for connection in connections.values { counts[connection.isHTTP2 ? "http2" : "http1", default: 0] += 1 }
        counts["http1", default: 0] += redirector?.connections.count ?? 0
        return counts
    }
}
