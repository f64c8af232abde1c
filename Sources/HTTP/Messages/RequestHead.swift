// SPDX-License-Identifier: Apache-2.0

/// A request's control data and header section (RFC 9110 §6.2, §6.3), independent of the protocol version.
///
/// Everything is a range of `bytes`, which the head owns: nothing here points into a receive buffer, and no field is a
/// `String` or a separate allocation. A connection has one head and fills it again for each request (`reset()` keeps
/// the memory), so a head must be read before the next request is parsed.
public struct RequestHead: Sendable {
    /// The head's text: for HTTP/1 as received, with anything the parser had to add (a missing path) at the end.
    public var bytes: [UInt8] = []
    public var method: Method = .get
    public var methodName: ByteRange = .empty
    /// The request target as it was sent.
    public var target: ByteRange = .empty
    public var targetForm: TargetForm = .origin
    /// The path as sent, not normalised, without query; `*` for the asterisk form; empty for the authority form.
    public var path: ByteRange = .empty
    /// The text after the first `?`; nil if there is no `?`.
    public var query: ByteRange?
    /// The host the request is for: the target's if it has one, else the Host field's (RFC 9112 §3.2.2). Empty only for
    /// an HTTP/1.0 request without Host.
    public var authority: ByteRange = .empty
    public var version: Version = .http11
    public var fields: [Field] = []
    public var framing: BodyFraming = .none
    /// Whether the connection may carry another request after this one, according to this request (RFC 9112 §9.3).
    public var isPersistent = true
    /// `Expect: 100-continue` from an HTTP/1.1 client with content to send.
    public var expectsContinue = false
    /// `Connection: upgrade` with an Upgrade field (HTTP/1.1 only).
    public var wantsUpgrade = false
    /// Whether Connection names options other than close, keep-alive, upgrade and te: fields to be dropped.
    public var nominatesFields = false
    /// Whether Authorization uses a scheme that authenticates the connection.
    public var authenticatesConnection = false

    public init() {}

    /// Prepares the head for the next request; the memory is kept.
    public mutating func reset() {
        if !bytes.isEmpty { bytes.removeAll(keepingCapacity: true) }
        if !fields.isEmpty { fields.removeAll(keepingCapacity: true) }
        method = .get
        methodName = .empty
        target = .empty
        targetForm = .origin
        path = .empty
        query = nil
        authority = .empty
        version = .http11
        framing = .none
        isPersistent = true
        expectsContinue = false
        wantsUpgrade = false
        nominatesFields = false
        authenticatesConnection = false
    }
}

public enum TargetForm: UInt8, Sendable {
    /// `/where?q`
    case origin
    /// `http://www.example.org/where?q`
    case absolute
    /// `www.example.com:80`, for CONNECT
    case authority
    /// `*`, for OPTIONS
    case asterisk
}

public enum Version: UInt8, Sendable {
    case http10, http11, http2
}

/// How a message's content is delimited (RFC 9112 §6).
public enum BodyFraming: Equatable, Sendable {
    case none
    /// Content-Length, in bytes.
    case length(UInt64)
    case chunked
    /// Response content that ends with the connection.
    case untilClose
}

public enum Method: UInt8, Sendable {
    case get, head, post, put, delete, connect, options, trace, patch, other

    /// RFC 9110 §9.2.2: several identical requests have the same effect as one.
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }
}
