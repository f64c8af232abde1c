// SPDX-License-Identifier: Apache-2.0

/// What the gate is told about a request besides its head: by whom it came, over what, and when.
public struct RequestContext: Sendable {
    /// The other end of the connection (or what PROXY protocol said of it); nil for a unix socket.
    public var peer: IPAddress?
    /// The connection was TLS.
    public var isSecure: Bool
    /// The peer is one of `trustedProxies`: its X-Forwarded-* fields are believed.
    public var isTrustedPeer: Bool
    /// The local port the request came in on; nil for a unix socket.
    public var localPort: UInt16?
    /// Seconds since 1970 (the wall clock; token and session times are judged by it).
    public var now: Double
    /// Seconds on the monotonic clock: how long ago something happened here is judged by it.
    public var monotonic: Double
    /// Key sets may be fetched for this request; false once they were, and where none can be.
    public var mayAwaitKeys = false
    /// Whether the store of sessions was asked for this request's, and answered.
    public var sessionLookup = SessionLookup.notAsked

    /// What the store of used tokens said of this request's bearer token.
    public var tokenLookup = TokenLookup.notAsked

    public enum SessionLookup: Sendable {
        case notAsked, answered, failed
    }

    public enum TokenLookup: Sendable {
        case notAsked, unused, used, failed
    }

    public var clock: ClockReading { ClockReading(wall: now, monotonic: monotonic) }

    /// - Parameter monotonic: nil: the same number as `now`, for callers with one clock.
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
