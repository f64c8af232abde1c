// SPDX-License-Identifier: Apache-2.0

/// A request that waits for a connection of a pool: for one to become free, or until one is made for it.
final class UpstreamWaiter {
    private(set) var pool: UpstreamPool
    private(set) var network: ClientNetwork
    /// A connection that has served before will not do.
    private(set) var isFresh: Bool
    /// The connection must carry no other request.
    private(set) var isAlone: Bool
    /// Its number in the ledger's queue; nil: it does not wait there.
    private(set) var ledgerID: UInt64?
    /// Nil when the request no longer waits.
    private(set) var client: (any UpstreamClient)?

    init(_ client: any UpstreamClient, of pool: UpstreamPool, isFresh: Bool, isAlone: Bool) {
        self.client = client
        self.pool = pool
        self.isFresh = isFresh
        self.isAlone = isAlone
        network = client.network
    }

    /// It waits in the ledger's queue as `id`, or no longer there.
    func enqueued(as id: UInt64?) {
        ledgerID = id
    }

    /// The request gets what it waited for.
    func take() -> (any UpstreamClient)? {
        defer { client = nil }
        return client
    }

    /// Called by the pool: the request no longer waits.
    func cancelled() {
        client = nil
    }
}
