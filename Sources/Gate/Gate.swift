// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import JWT
import Pages

/// Decides what becomes of each request: the heart of Sidegate.
///
/// Pure: no input or output, no clock (the time comes with each request), no randomness but the injected one. One gate
/// belongs to one event loop and is confined to it; it keeps that loop's keys and caches.
package final class Gate {
    package let configuration: GateConfiguration

    /// - Parameter random: makes that many unpredictable bytes; in production `Random.bytes`.
    package init(_ configuration: GateConfiguration, random: @escaping (Int) -> [UInt8] = { Random.bytes($0) }) {
        self.configuration = configuration
    }

    /// What is to become of this request.
    package func decide(_ request: RequestHead, _ context: RequestContext) -> Decision {
        .forward(nil, renewal: nil)
    }

    /// After `.collectBody`: the same request with its form.
    package func decide(form body: [UInt8], of request: RequestHead, _ context: RequestContext) -> Decision {
        .forward(nil, renewal: nil)
    }

    /// After `.claimToken`: the answer, now that the replay store has spoken.
    package func finishSignIn(
        _ pending: PendingSignIn, _ verdict: ReplayVerdict, _ context: RequestContext
    ) -> LocalResponse {
        LocalResponse(status: 303)
    }

    /// Appends the request's identifier to `out`: the client's X-Request-ID when it is sane, else a fresh one
    /// (32 hexadecimal digits).
    package func requestID(of request: RequestHead, into out: inout [UInt8]) {}

    /// Writes the head the app gets: `GET /path?query HTTP/1.1`, Host, the other fields, each line with CRLF, but
    /// without the framing fields (Content-Length, Transfer-Encoding) and the final empty line.
    ///
    /// Strips (hop-by-hop fields, identity headers in every spelling, our cookies, the token parameter), then sets
    /// (X-Forwarded-*, X-Request-ID, traceparent, identity). One operation: no path does half of it.
    /// Connection is written only as `upgrade` (when ``forwardsUpgrade(_:)``) or `te`.
    package func rewrite(
        _ request: RequestHead, for identity: Identity?, _ context: RequestContext, requestID: [UInt8],
        into out: inout [UInt8]
    ) {}

    /// The request asks for a protocol that may pass as a tunnel, and `rewrite` forwards its Upgrade. `h2c` may not:
    /// what it carries would reach the app unjudged.
    package func forwardsUpgrade(_ request: RequestHead) -> Bool { false }

    /// The page (or JSON, by Accept) for an app that is down or broken (502) or slow (504).
    package func upstreamFailure(_ status: UInt16, of request: RequestHead, requestID: [UInt8]) -> LocalResponse {
        LocalResponse(status: status)
    }

    /// The small page (or JSON, when the head was read and asks for it) for a request that cannot be served: 400, 408,
    /// 413, 414, 431, 501, 505. The connection closes after it.
    package func refusal(_ status: UInt16, of request: RequestHead?, requestID: [UInt8]) -> LocalResponse {
        LocalResponse(status: status)
    }
}
