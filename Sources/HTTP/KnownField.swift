// SPDX-License-Identifier: Apache-2.0

/// The fields Sidegate itself reads or writes; any other is `.other` and passes as it came.
public enum KnownField: UInt8, Sendable, CaseIterable {
    case other
    case accept
    case authorization
    case connection
    case contentLength
    case contentType
    case cookie
    case date
    case expect
    case forwarded
    case host
    case http2Settings
    case keepAlive
    case location
    case origin
    case proxyAuthenticate
    case proxyAuthorization
    case proxyConnection
    case referer
    case secFetchDest
    case secFetchMode
    case secFetchSite
    case server
    case setCookie
    case te
    case traceparent
    case trailer
    case transferEncoding
    case upgrade
    case userAgent
    case xForwardedFor
    case xForwardedHost
    case xForwardedPort
    case xForwardedProto
    case xOriginalMethod
    case xOriginalURL
    case xRequestID
    case xRequestedWith

    /// The name in lower case.
    public var name: StaticString {
        switch self {
        case .other: ""
        case .accept: "accept"
        case .authorization: "authorization"
        case .connection: "connection"
        case .contentLength: "content-length"
        case .contentType: "content-type"
        case .cookie: "cookie"
        case .date: "date"
        case .expect: "expect"
        case .forwarded: "forwarded"
        case .host: "host"
        case .http2Settings: "http2-settings"
        case .keepAlive: "keep-alive"
        case .location: "location"
        case .origin: "origin"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyConnection: "proxy-connection"
        case .referer: "referer"
        case .secFetchDest: "sec-fetch-dest"
        case .secFetchMode: "sec-fetch-mode"
        case .secFetchSite: "sec-fetch-site"
        case .server: "server"
        case .setCookie: "set-cookie"
        case .te: "te"
        case .traceparent: "traceparent"
        case .trailer: "trailer"
        case .transferEncoding: "transfer-encoding"
        case .upgrade: "upgrade"
        case .userAgent: "user-agent"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedHost: "x-forwarded-host"
        case .xForwardedPort: "x-forwarded-port"
        case .xForwardedProto: "x-forwarded-proto"
        case .xOriginalMethod: "x-original-method"
        case .xOriginalURL: "x-original-url"
        case .xRequestID: "x-request-id"
        case .xRequestedWith: "x-requested-with"
        }
    }

    /// Which field `name` is, in any case.
    public init(_ name: Span<UInt8>) {
        self = Self.candidate(name)
        // One candidate at most has this length and these letters; a full comparison decides.
        if self != .other, !name.equalsIgnoringCase(self.name) { self = .other }
    }

    /// The only known field that `name` can be, judged by its length and one or two letters.
    private static func candidate(_ name: Span<UInt8>) -> KnownField {
        guard name.count >= 2 else { return .other }
        let first = name[0] | 0x20
        let last = name[name.count - 1] | 0x20
        switch (name.count, first) {
        case (2, letter("t")): return .te
        case (4, letter("h")): return .host
        case (4, letter("d")): return .date
        case (6, letter("a")): return .accept
        case (6, letter("c")): return .cookie
        case (6, letter("e")): return .expect
        case (6, letter("o")): return .origin
        case (6, letter("s")): return .server
        case (7, letter("r")): return .referer
        case (7, letter("t")): return .trailer
        case (7, letter("u")): return .upgrade
        case (8, letter("l")): return .location
        case (9, letter("f")): return .forwarded
        case (10, letter("c")): return .connection
        case (10, letter("k")): return .keepAlive
        case (10, letter("s")): return .setCookie
        case (10, letter("u")): return .userAgent
        case (11, letter("t")): return .traceparent
        case (12, letter("c")): return .contentType
        case (12, letter("x")): return .xRequestID
        case (13, letter("a")): return .authorization
        case (14, letter("c")): return .contentLength
        case (14, letter("h")): return .http2Settings
        case (14, letter("x")): return .xOriginalURL
        case (14, letter("s")):
            // sec-fetch-dest, -mode, -site
            switch name[10] | 0x20 {
            case letter("d"): return .secFetchDest
            case letter("m"): return .secFetchMode
            default: return .secFetchSite
            }
        case (15, letter("x")): return .xForwardedFor
        case (16, letter("p")): return .proxyConnection
        case (16, letter("x")):
            if last == letter("h") { return .xRequestedWith }
            // x-forwarded-host, x-forwarded-port
            return name[12] | 0x20 == letter("h") ? .xForwardedHost : .xForwardedPort
        case (17, letter("t")): return .transferEncoding
        case (17, letter("x")): return last == letter("o") ? .xForwardedProto : .xOriginalMethod
        case (18, letter("p")): return .proxyAuthenticate
        case (19, letter("p")): return .proxyAuthorization
        default: return .other
        }
    }

    private static func letter(_ scalar: Unicode.Scalar) -> UInt8 { UInt8(ascii: scalar) }
}
