// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Makes calls of Sidegate's own: one connection a call, no redirect followed, every byte and all time bounded.
///
/// Confined to its loop.
package final class OutboundClient {
    private let loop: EventLoop
    private let resolver: Resolver

    package init(loop: EventLoop, resolver: Resolver) {
        self.loop = loop
        self.resolver = resolver
    }

    /// Sends `request`. `completion` is called once, on the loop, and never from within this call; not at all after
    /// ``OutboundCall/cancel()``.
    @discardableResult
    package func send(
        _ request: OutboundRequest, _ completion: @escaping (Result<OutboundResponse, OutboundFailure>) -> Void
    ) -> OutboundCall {
        loop.assertOnLoop()
        let call = OutboundCall(request, loop: loop, completion)
        call.start(resolver)
        return call
    }
}
