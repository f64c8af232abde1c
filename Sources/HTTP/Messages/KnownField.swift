// SPDX-License-Identifier: Apache-2.0

/// The fields that Sidegate itself reads or writes; any other is `.other` and is passed unchanged.
public enum KnownField: UInt8, Sendable, CaseIterable {
    case other
    case accept
    case authorization
    case clearSiteData
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
    case persistentAuth
    case proxyAuthenticate
    case proxyAuthorization
    case proxyConnection
    case proxySupport
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
    case wwwAuthenticate
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
        case .clearSiteData: "clear-site-data"
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
        case .persistentAuth: "persistent-auth"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyConnection: "proxy-connection"
        case .proxySupport: "proxy-support"
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
        case .wwwAuthenticate: "www-authenticate"
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

    /// The field called `name`, in any case.
    ///
    /// Called for every field of every message: the length and one or two letters leave one candidate, whose name is a
    /// compile-time constant where it is compared.
    public init(_ name: Span<UInt8>) {
        self = .other
        guard name.count >= 2 else { return }
        let first = name[0] | 0x20
        @inline(__always) func be(_ field: KnownField, _ text: StaticString) -> KnownField {
            name.isName(text) ? field : .other
        }
        switch name.count {
        case 2: self = be(.te, "te")
        case 4: self = first == letter("h") ? be(.host, "host") : be(.date, "date")
        case 6:
            switch first {
            case letter("a"): self = be(.accept, "accept")
            case letter("c"): self = be(.cookie, "cookie")
            case letter("e"): self = be(.expect, "expect")
            case letter("o"): self = be(.origin, "origin")
            default: self = be(.server, "server")
            }
        case 7:
            switch first {
            case letter("r"): self = be(.referer, "referer")
            case letter("t"): self = be(.trailer, "trailer")
            default: self = be(.upgrade, "upgrade")
            }
        case 8: self = be(.location, "location")
        case 9: self = be(.forwarded, "forwarded")
        case 10:
            switch first {
            case letter("c"): self = be(.connection, "connection")
            case letter("k"): self = be(.keepAlive, "keep-alive")
            case letter("s"): self = be(.setCookie, "set-cookie")
            default: self = be(.userAgent, "user-agent")
            }
        case 11: self = be(.traceparent, "traceparent")
        case 12: self = first == letter("c") ? be(.contentType, "content-type") : be(.xRequestID, "x-request-id")
        case 13: self = first == letter("a") ? be(.authorization, "authorization") : be(.proxySupport, "proxy-support")
        case 14:
            switch first {
            case letter("c"): self = be(.contentLength, "content-length")
            case letter("h"): self = be(.http2Settings, "http2-settings")
            case letter("x"): self = be(.xOriginalURL, "x-original-url")
            default:
                switch name[10] | 0x20 {
                case letter("d"): self = be(.secFetchDest, "sec-fetch-dest")
                case letter("m"): self = be(.secFetchMode, "sec-fetch-mode")
                default: self = be(.secFetchSite, "sec-fetch-site")
                }
            }
        case 15:
            switch first {
            case letter("x"): self = be(.xForwardedFor, "x-forwarded-for")
            case letter("c"): self = be(.clearSiteData, "clear-site-data")
            default: self = be(.persistentAuth, "persistent-auth")
            }
        case 16:
            switch name[12] | 0x20 {
            case letter("h"): self = be(.xForwardedHost, "x-forwarded-host")
            case letter("p"): self = be(.xForwardedPort, "x-forwarded-port")
            case letter("c"): self = be(.wwwAuthenticate, "www-authenticate")
            case letter("t"): self = be(.proxyConnection, "proxy-connection")
            default: self = be(.xRequestedWith, "x-requested-with")
            }
        case 17:
            switch name[12] | 0x20 {
            case letter("p"): self = be(.xForwardedProto, "x-forwarded-proto")
            case letter("e"): self = be(.xOriginalMethod, "x-original-method")
            default: self = be(.transferEncoding, "transfer-encoding")
            }
        case 18: self = be(.proxyAuthenticate, "proxy-authenticate")
        case 19: self = be(.proxyAuthorization, "proxy-authorization")
        default: return
        }
    }
}

@inline(__always)
private func letter(_ scalar: Unicode.Scalar) -> UInt8 { UInt8(ascii: scalar) }
