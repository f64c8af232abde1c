// SPDX-License-Identifier: Apache-2.0

import Gate
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
    /// Called with the reason when a connection could not be secured, from time to time while that continues.
    package var notSecured: @Sendable (TLSError) -> Void = { _ in }
    /// Called when the app sets or ends a cookie of the gate, from time to time while that continues.
    package var reservedCookieUsed: @Sendable (ReservedCookieUse) -> Void = { _ in }
    package var connectTimeout = Nanoseconds.seconds(5)
    /// From the request's last byte to the response's head, and between two pieces of the response.
    package var responseTimeout = Nanoseconds.seconds(60)
    /// How long a connection waits in the pool for its next request.
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
