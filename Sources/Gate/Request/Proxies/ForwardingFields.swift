// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Request fields by which a proxy passes on what it knows of a request: the client's address, and the scheme, host or port
/// that the browser used.
///
/// Applications read them as they are configured, or by default. So they reach the app from a trusted proxy alone, and a
/// peer that sends any of them may be a proxy, not the client (CVE-2026-40575). Names are compared as ``SpoofFilter`` folds
/// them.
enum ForwardingFields {
    /// Those that only proxies send.
    static let names = [
        "forwarded", "x-forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
        "x-forwarded-by", "x-forwarded-server", "x-forwarded-scheme", "x-forwarded-ssl", "x-forwarded-protocol",
        "x-forwarded-client-cert", "x-forwarded-tls-client-cert", "x-forwarded-tls-client-cert-info",
        "forwarded-for", "x-forward-for", "x-original-forwarded-for", "x-original-host", "x-url-scheme",
        "front-end-https",
        "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "x-cluster-client-ip", "x-originating-ip",
        "x-remote-ip", "x-remote-addr", "proxy-client-ip", "wl-proxy-client-ip", "x-proxyuser-ip",
        // What CGI programs call them; Java code asks for these names literally.
        "http-client-ip", "http-forwarded", "http-forwarded-for", "http-x-forwarded", "http-x-forwarded-for",
        // Cloudflare, Fastly, Fly, Envoy, Azure, App Engine, Netlify, DigitalOcean, Vercel, CloudFront, Alibaba Cloud.
        "cf-connecting-ip", "cf-connecting-ipv6", "cf-pseudo-ipv4", "fastly-client-ip", "fly-client-ip",
        "x-envoy-external-address", "x-azure-clientip", "x-azure-socketip", "x-appengine-user-ip",
        "x-appengine-remote-addr", "x-nf-client-connection-ip", "do-connecting-ip", "x-vercel-forwarded-for",
        "cloudfront-viewer-address", "ali-cdn-real-ip",
    ]

    /// Any proxy may add `Via` (RFC 9110 §7.6.3), which says nothing that an app could take for an address.
    private static let signs = SpoofFilter(names: Set((names + ["via"]).map { Array($0.utf8) }))
    private static let prefix: StaticString = "x-forwarded-"

    /// The peer passes on a request of another, as far as its fields show that.
    static func arePresent(in request: RequestHead) -> Bool {
        let bytes = request.bytes.span
        for field in request.fields where field.name.upperBound <= bytes.count {
            switch field.known {
            case .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto: return true
            case .other:
                let name = bytes.extracting(field.name.range)
                if signs.lists(name) || SpoofFilter.hasPrefix(prefix, name) { return true }
            default: break
            }
        }
        return false
    }
}
