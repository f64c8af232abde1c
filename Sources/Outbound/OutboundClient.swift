// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// Makes Sidegate's own HTTP calls: one connection for each, no redirects followed, size and time bounded.
///
/// Confined to its loop.
package final class OutboundClient {
    private let loop: EventLoop
    private let resolver: Resolver
    private let tls: TLSClientContext?

    /// - Parameter tls: the context for `https` URLs; nil: such calls fail.
    package init(loop: EventLoop, resolver: Resolver, tls: TLSClientContext?) {
        self.loop = loop
        self.resolver = resolver
        self.tls = tls
    }

    /// Sends `request`. `completion` is called once, on the loop, and never from within this call; not at all after
    /// ``OutboundCall/cancel()``.
    @discardableResult
    package func send(
        _ request: OutboundRequest, _ completion: @escaping (Result<OutboundResponse, OutboundFailure>) -> Void
    ) -> OutboundCall {
        loop.assertOnLoop()
        let call = OutboundCall(request, loop: loop, tls: tls, completion)
        call.start(resolver)
        return call
    }
}
