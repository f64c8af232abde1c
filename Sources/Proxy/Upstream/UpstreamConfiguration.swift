// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor
import TLS

/// An app: its address, and how long it may take.
package struct UpstreamConfiguration: Sendable {
    package enum Endpoint: Sendable, Equatable {
        case host(String, port: UInt16)
        case unix(path: String)
    }

    /// The version of HTTP.
    package enum Version: Sendable {
        case http1
        /// HTTP/2 by prior knowledge (RFC 9113 §3.3).
        case http2
        /// As negotiated while connecting (ALPN).
        case negotiated
    }

    package var endpoint: Endpoint
    package var version = Version.http1
    /// Connections to it are encrypted; nil: plain.
    package var tls: TLSClientContext?
    /// Called when the app failed a request, from time to time while that continues.
    package var failed: @Sendable (UpstreamFault) -> Void = { _ in }
    /// Called when a deviation from HTTP is accepted for the first time.
    package var tolerated: @Sendable (Toleration) -> Void = { _ in }
    /// Called when the app sets or ends a cookie of the gate, from time to time while that continues.
    package var reservedCookieUsed: @Sendable (ReservedCookieUse) -> Void = { _ in }
    package var connectTimeout = Nanoseconds.seconds(5)
    /// Which deviations from HTTP are accepted in its responses.
    package var leniency = ResponseLeniency.standard
    /// From the request's last byte to the response's head.
    package var responseTimeout = Nanoseconds.seconds(60)
    /// Between two pieces of a response, and how long a connection waits in the pool for its next request.
    package var idleTimeout = Nanoseconds.seconds(60)
    /// Open connections of the process; further requests wait for one, or for room on one.
    package var maxConnections = 256
    /// Content of a request without a length is collected up to this many bytes, to send its length; 0: never.
    package var collectRequests = 0
    /// The count of connections that all workers share; nil: the worker has its own.
    package var ledger: ConnectionLedger?

    package init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }
}
