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
    /// Whether key sets may be fetched for this request; false once they were, and where that is not possible.
    public var canRefreshKeys = false
    /// The result of the session store's lookup for this request.
    public var sessionLookup = SessionLookup.notAsked

    /// The result of the replay store's lookup of this request's bearer token.
    public var tokenLookup = TokenLookup.notAsked

    public enum SessionLookup: Sendable {
        case notAsked, answered, failed
    }

    public enum TokenLookup: Sendable {
        case notAsked, unused, used, failed
    }

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
