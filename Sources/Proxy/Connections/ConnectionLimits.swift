// SPDX-License-Identifier: Apache-2.0

import HTTP1
import Reactor

/// `limits` of the configuration: how much a connection may send, and how long it may take.
package struct ConnectionLimits: Sendable {
    /// How messages are parsed, the size of the head above all.
    package var message = HTTP1Limits()
    /// Bytes of a request's content; 0: any.
    package var bodyBytes: UInt64 = 0
    /// Connections of one worker.
    package var connections = 20000
    /// Room is also made by closing connections whose head or TLS handshake is not complete, or the rest of a request that
    /// was answered: for a listener with few connections, which silent clients must not occupy.
    package var evictsIncomplete = false
    /// From a request's first byte (or the connection's start) to the end of its head.
    package var headerTimeout = Nanoseconds.seconds(10)
    /// Between two pieces of content, in either direction, while the client is the one waited for.
    package var bodyIdleTimeout = Nanoseconds.seconds(60)
    /// Between two requests.
    package var keepAliveTimeout = Nanoseconds.seconds(75)
    /// Bytes per second that a client must send or take while others wait for what it holds; 0: any.
    package var minimumBodyRate: UInt64 = 512
    /// The periods over which the rate is measured, after as long a period of grace.
    package var requestWindow = Nanoseconds.seconds(10)
    package var responseWindow = Nanoseconds.seconds(30)
    /// The part of the connections to an app that one client may hold while others wait.
    package var clientShare = 0.5
    package var http2 = HTTP2Configuration()

    package init() {}
}

/// `http2` of the configuration.
package struct HTTP2Configuration: Sendable {
    /// Cleartext connections may use it by prior knowledge, encrypted ones by negotiation.
    package var isEnabled = true
    /// Concurrent requests on one connection; more are refused, to be tried again (RFC 9113 §5.1.2).
    package var maxConcurrentStreams = 128

    package init() {}
}
