// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1

/// When an exchange takes a connection to the app, and as whose it is counted while others wait for one.
extension Exchange {
    struct Holding {
        let pool: UpstreamPool
        let client: ClientNetwork
        let episode: UInt64
    }

    /// The request is counted as one of `client` in the ledger of `pool`.
    func holds(_ client: ClientNetwork, of pool: UpstreamPool, _ episode: UInt64) {
        guard episode != 0 else { return }
        releaseHolding()
        holding = Holding(pool: pool, client: client, episode: episode)
    }

    func releaseHolding() {
        guard let holding else { return }
        self.holding = nil
        holding.pool.releaseHold(holding.client, holding.episode)
    }

    /// It has a connection of `pool`, or one is being made for it.
    func usesConnection(of pool: UpstreamPool) -> Bool {
        if let upstream { return upstream.pool === pool }
        return awaitsUpstream && waiter == nil && self.pool === pool && pool.defersToContent
    }

    /// Whose request it is, as far as trusted proxies tell.
    var clientNetwork: ClientNetwork {
        guard case .gate(let gate, _) = worker.service, let address = gate.client(of: access) ?? context.peer
        else { return .unknown }
        return ClientNetwork(address)
    }

    /// The first content of a request for which no connection was taken before.
    func contentBegan(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        machine.contentBegan()
        initialContent = []
        acquireUpstream(fresh: false, contentFollows: true)
        if let upstream, initialContent == nil {
            return upstream.send(
                content, isEnd: isEnd, trailers: trailers, more: more, isChunked: request.framing == .chunked)
        }
        if awaitsUpstream { initialContent?.append(span: content) }
    }

    /// The content that came before the connection; empty: it is given with the connection. Nil: none.
    func takeInitialContent() -> [UInt8]? {
        defer { initialContent = nil }
        return initialContent
    }
}
