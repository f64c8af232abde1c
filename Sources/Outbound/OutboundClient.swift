// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// Makes calls of Sidegate's own: one connection a call, no redirect followed, every byte and all time bounded.
///
/// Confined to its loop.
package final class OutboundClient {
    private let loop: EventLoop
    private let resolver: Resolver
    private let tls: TLSClientContext?

    /// - Parameter tls: what connections to `https` URLs are made from; nil: such calls fail.
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
