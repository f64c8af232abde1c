// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Which trailer fields may pass (RFC 9110 §6.5.1).
///
/// Trailers arrive after all decisions were made, and some receivers merge them into the header section. Fields for
/// framing, routing, authentication, conditions or identity are therefore dropped, in every spelling that an app server
/// may treat as equal; fields that describe the content (checksums, `grpc-status`, `Server-Timing`) pass.
enum TrailerPolicy {
    static func allows(_ name: Span<UInt8>, limits: borrowing HTTP1Limits) -> Bool {
        for prefix in forbiddenPrefixes where FieldName.folds(name, toStartWith: prefix) { return false }
        for other in forbiddenNames
        where name.count == other.utf8CodeUnitCount && FieldName.folds(name, toStartWith: other) {
            return false
        }
        for other in limits.forbiddenTrailers where FieldName.folds(name, to: other.span) { return false }
        return true
    }

    /// Prefixes of fields in which proxies describe the client.
    private static let forbiddenPrefixes: [StaticString] = [
        "access-control-", "if-", "proxy-", "remote-", "sec-", "x-auth-", "x-email", "x-forwarded-", "x-groups",
        "x-original-", "x-remote-", "x-sidegate-", "x-user", "x-webauth-",
    ]

    private static let forbiddenNames: [StaticString] = [
        // Framing and connection.
        "connection", "content-length", "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
        // Routing and request handling.
        "age", "cache-control", "date", "expect", "expires", "forwarded", "host", "location", "max-forwards", "origin",
        "pragma", "range", "referer", "retry-after", "vary", "via", "warning", "x-http-method-override",
        "x-method-override", "x-request-id", "x-requested-with", "x-rewrite-url", "traceparent", "tracestate",
        // Authentication and state.
        "authentication-info", "authorization", "cookie", "cookie2", "set-cookie", "set-cookie2", "www-authenticate",
        // Interpretation of the content.
        "content-disposition", "content-encoding", "content-location", "content-range", "content-security-policy",
        "content-type", "strict-transport-security", "x-content-type-options", "x-frame-options",
        // The client.
        "cf-connecting-ip", "from", "true-client-ip", "x-client-ip", "x-cluster-client-ip", "x-real-ip",
    ]
}
