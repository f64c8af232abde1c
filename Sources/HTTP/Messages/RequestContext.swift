// SPDX-License-Identifier: Apache-2.0

/// What the gate knows about a request besides its head: the peer, the transport and the time.
public struct RequestContext: Sendable {
    /// The other end of the connection (or the address given by the PROXY protocol); nil for a unix socket.
    public var peer: IPAddress?
    /// Whether the connection uses TLS.
    public var isSecure: Bool
    /// Whether the peer is one of `trustedProxies`, so that its X-Forwarded-* fields are used.
    public var isTrustedPeer: Bool
    /// The local port of the connection; nil for a unix socket.
    public var localPort: UInt16?
    /// Seconds since 1970 (the wall clock; token and session times are compared with it).
    public var now: Double
    /// Seconds on the monotonic clock, for measuring durations.
    public var monotonic: Double
    /// Whether key sets can be fetched.
    public var canRefreshKeys = false
    public var clock: ClockReading { ClockReading(wall: now, monotonic: monotonic) }

    /// - Parameter monotonic: nil for the same number as `now`, for callers with one clock.
    public init(
        peer: IPAddress?, isSecure: Bool = false, isTrustedPeer: Bool = false, localPort: UInt16? = nil, now: Double,
        monotonic: Double? = nil
    ) {
        self.peer = peer
        self.isSecure = isSecure
        self.isTrustedPeer = isTrustedPeer
        self.localPort = localPort
        self.now = now
        self.monotonic = monotonic ?? now
    }
}
