// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Closing idle connections when there are too many: the one that has been idle longest first, since a browser opens
/// another connection when it needs one.
extension ClientConnections {
    /// There are as many connections as there may be.
    var isFull: Bool { count >= limits.connections }

    /// Whether another connection may be accepted: there is a free slot, or an idle connection can be closed for it.
    var hasRoom: Bool {
        count < limits.connections || connections.values.contains { isEvictable($0) }
    }

    /// Closes the connections that have been idle longest when there are too many. Several at a time, since finding
    /// them means looking at all connections.
    func evictIdle() {
        guard count > limits.connections else { return }
        let oldest = connections.values.filter { isEvictable($0) }.sorted { $0.idleSince < $1.idleSince }
        for connection in oldest.prefix(max(1, limits.connections / 64)) { connection.evictIdle() }
    }

    /// A connection that was opened or got its response just now probably has a request on its way.
    private func isEvictable(_ connection: any DownstreamConnection) -> Bool {
        connection.isEvictable && loop.now.since(connection.idleSince) >= Self.minimumIdleTime
    }

    private static let minimumIdleTime = Nanoseconds.milliseconds(100)
}
