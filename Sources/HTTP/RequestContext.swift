// SPDX-License-Identifier: Apache-2.0

/// What the gate is told about a request besides its head: by whom it came, over what, and when.
package struct RequestContext: Sendable {
    /// The other end of the connection (or what PROXY protocol said of it); nil for a unix socket.
    package var peer: IPAddress?
    /// The connection was TLS.
    package var isSecure: Bool
    /// The peer is one of `trustedProxies`: its X-Forwarded-* fields are believed.
    package var isTrustedPeer: Bool
    /// The local port the request came in on; nil for a unix socket.
    package var localPort: UInt16?
    /// Seconds since 1970 (the wall clock; token and session times are judged by it).
    package var now: Double

    package init(
        peer: IPAddress?, isSecure: Bool = false, isTrustedPeer: Bool = false, localPort: UInt16? = nil, now: Double
    ) {
        self.peer = peer
        self.isSecure = isSecure
        self.isTrustedPeer = isTrustedPeer
        self.localPort = localPort
        self.now = now
    }
}
