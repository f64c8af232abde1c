// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP2
import Reactor

extension HTTP1Downstream {
    /// Hands the connection over when its first head, whose version is none of HTTP/1's, is the beginning of HTTP/2's
    /// preface (RFC 9113 §3.3, §3.4): a client that knows beforehand that we speak it. Costs other clients nothing.
    ///
    /// - Parameter before: how many bytes of the head had come before `input`.
    func becomeHTTP2(_ input: Span<UInt8>, before: Int) -> Bool {
        guard isFresh, worker.limits.http2.isEnabled, !transport.isSecure, let exchange else { return false }
        let start: StaticString = "PRI * HTTP/2.0"
        var received = Array(exchange.request.bytes.prefix(before))
        received.append(span: input)
        guard received.count >= start.utf8CodeUnitCount,
            received.span.extracting(first: start.utf8CodeUnitCount).equals(start)
        else { return false }
        self.exchange = nil
        exchange.discard()
        detach()
        transport.owner = nil
        HTTP2Downstream(transport, peer: peer, worker: worker, received: received)
        return true
    }
}
