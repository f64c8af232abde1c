// SPDX-License-Identifier: Apache-2.0

import Proxy
import Reactor
import Synchronization

/// The counts of connections to the apps. They are kept across reloads: a connection opened before a reload still counts.
///
/// An app is identified by its address. Several with the same address have a count each, in their order.
final class ConnectionLedgers: Sendable {
    private struct Entry {
        let endpoint: UpstreamConfiguration.Endpoint
        let ledger: ConnectionLedger
    }

    private let entries = Mutex<[Entry]>([])

    /// Assigns each app of `configuration` its count; its limits are in force from now on.
    func assign(to configuration: inout ProxyConfiguration) {
        let upstreams = [configuration.upstream] + configuration.otherUpstreams
        let ledgers = entries.withLock { entries in
            var known = entries
            entries = upstreams.map { upstream in
                if let index = known.firstIndex(where: { $0.endpoint == upstream.endpoint }) {
                    return known.remove(at: index)
                }
                return Entry(
                    endpoint: upstream.endpoint, ledger: ConnectionLedger(limit: upstream.maxConnections))
            }
            return entries.map(\.ledger)
        }
        for (index, ledger) in ledgers.enumerated() {
            ledger.setLimit(upstreams[index].maxConnections, .current())
            if index == 0 {
                configuration.upstream.ledger = ledger
            } else {
                configuration.otherUpstreams[index - 1].ledger = ledger
            }
        }
    }
}
