// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import Reactor
import TLS

/// What the proxy needs to know: sizes, times and where the app is, as validated values.
package struct ProxyConfiguration: Sendable {
    package var limits = ConnectionLimits()
    package var upstream: UpstreamConfiguration
    /// More apps, in the order in which the gate counts them.
    package var otherUpstreams: [UpstreamConfiguration] = []
    /// Peers whose X-Forwarded-* fields are believed.
    package var trustedProxies: [CIDR] = []
    /// Connections from these, and over unix sockets, begin with a PROXY protocol header.
    package var expectsProxyProtocol = false
    /// A line for each request goes to the access log.
    package var logsRequests = true
    /// The identity provider's name, for the metrics.
    package var provider = ""
    /// Browsers come over TLS; nil: over plain HTTP.
    package var tls: TLSServerContext?
    /// What is answered on the addresses that only redirect.
    package var redirect: SecureRedirect?
    /// For how many seconds browsers are told to come by https only, on every response over TLS; 0: not said (RFC 6797).
    package var strictTransportSeconds: UInt64 = 0

    var strictTransportLine: [UInt8] {
        strictTransportSeconds == 0
            ? [] : Array("Strict-Transport-Security: max-age=\(strictTransportSeconds)\r\n".utf8)
    }

    package init(upstream: UpstreamConfiguration) {
        self.upstream = upstream
    }
}

/// `limits` of the config: how much and how long one connection may take.
package struct ConnectionLimits: Sendable {
    /// How messages are parsed, the head's size above all.
    package var message = HTTP1Limits()
    /// Bytes of a request's content; 0: any.
    package var bodyBytes: UInt64 = 0
    /// Connections of one worker.
    package var connections = 20000
    /// From a request's first byte (or the connection's begin) to the end of its head.
    package var headerTimeout = Nanoseconds.seconds(10)
    /// Between two pieces of content, either way, when the browser is the one waited for.
    package var bodyIdleTimeout = Nanoseconds.seconds(60)
    /// Between two requests.
    package var keepAliveTimeout = Nanoseconds.seconds(75)
    /// Bytes a second that a client must send or take while others wait for what it holds; 0: any.
    package var minimumBodyRate: UInt64 = 512
    /// Over which time that is judged, after as much time of grace.
    package var requestWindow = Nanoseconds.seconds(10)
    package var responseWindow = Nanoseconds.seconds(30)
    /// The part of the connections to an app that one client may hold while others wait.
    package var clientShare = 0.5
    package var http2 = HTTP2Configuration()

    package init() {}
}

/// The app: where it is and how long it may take.
package struct UpstreamConfiguration: Sendable {
    package enum Endpoint: Sendable, Equatable {
        case host(String, port: UInt16)
        case unix(path: String)
    }

    /// What is spoken with the app.
    package enum Version: Sendable {
        case http1
        /// HTTP/2 by prior knowledge (RFC 9113 §3.3).
        case http2
        /// What is agreed on while the connection is made (ALPN).
        case negotiated
    }

    package var endpoint: Endpoint
    package var version = Version.http1
    /// Connections to it are encrypted; nil: plain.
    package var tls: TLSClientContext?
    /// Told why a connection could not be secured, now and then while that goes on.
    package var notSecured: @Sendable (TLSError) -> Void = { _ in }
    /// Called with the name when the app sets a cookie of the gate's, now and then while that goes on.
    package var reservedCookieSet: @Sendable (String) -> Void = { _ in }
    package var connectTimeout = Nanoseconds.seconds(5)
    /// From the request's last byte to the response's head, and between two pieces of the response.
    package var responseTimeout = Nanoseconds.seconds(60)
    /// How long a connection waits in the pool for its next request.
    package var idleTimeout = Nanoseconds.seconds(60)
    /// Open connections of the process; requests beyond it wait for one, or for room on one.
    package var maxConnections = 256
    /// The count of connections that all workers share; nil: the worker has one of its own.
    package var ledger: ConnectionLedger?

    package init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }
}
