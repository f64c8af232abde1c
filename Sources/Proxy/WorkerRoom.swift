// SPDX-License-Identifier: Apache-2.0

import Reactor

// At the limit of connections who has been idle the longest goes first: a browser opens another one when it needs it.
extension Worker {
    /// One more connection may come: there is room for it, or some can be made.
    var hasRoom: Bool {
        connectionCount < limits.connections || connections.values.contains { mayGo($0) }
    }

    /// Closes who has been idle the longest, once there are too many: several at once, since finding them takes a look at
    /// all.
    func makeRoom() {
        guard connectionCount > limits.connections else { return }
        let oldest = connections.values.filter { mayGo($0) }.sorted { $0.idleSince < $1.idleSince }
        for connection in oldest.prefix(max(1, limits.connections / 64)) { connection.makeRoom() }
    }

    /// Who came, or was answered, just now is about to ask.
    private func mayGo(_ connection: any DownstreamConnection) -> Bool {
        connection.mayMakeRoom && loop.now.since(connection.idleSince) >= Self.leastIdle
    }

    private static let leastIdle = Nanoseconds.milliseconds(100)
}

extension Worker {
    /// Open connections of browsers, for the metrics.
    var connectionsByProtocol: [String: Int] {
        var counts = ["http1": 0, "http2": 0, "tunnel": tunnelCount, "handshake": handshakeCount]
        for connection in connections.values { counts[connection.isHTTP2 ? "http2" : "http1", default: 0] += 1 }
        counts["http1", default: 0] += redirector?.connections.count ?? 0
        return counts
    }
}
