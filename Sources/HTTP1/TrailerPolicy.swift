// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Which trailer fields may pass (RFC 9110 §6.5.1).
///
/// A trailer comes after everything was decided, and some receivers merge it into the header section. So whatever
/// frames, routes, authenticates, conditions or identifies is dropped, in every spelling an app server could take for
/// it; what describes the content (checksums, `grpc-status`, `Server-Timing`) passes.
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

    /// Families of fields that proxies set to say who asks, and whence.
    private static let forbiddenPrefixes: [StaticString] = [
        "access-control-", "if-", "proxy-", "remote-", "sec-", "x-auth-", "x-email", "x-forwarded-", "x-groups",
        "x-original-", "x-remote-", "x-sidegate-", "x-user", "x-webauth-",
    ]

    private static let forbiddenNames: [StaticString] = [
        // Framing and connection.
        "connection", "content-length", "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
        // Routing, and how the request is to be handled.
        "age", "cache-control", "date", "expect", "expires", "forwarded", "host", "location", "max-forwards", "origin",
        "pragma", "range", "referer", "retry-after", "vary", "via", "warning", "x-http-method-override",
        "x-method-override", "x-request-id", "x-requested-with", "x-rewrite-url", "traceparent", "tracestate",
        // Authentication and state.
        "authentication-info", "authorization", "cookie", "cookie2", "set-cookie", "set-cookie2", "www-authenticate",
        // How the content is to be read.
        "content-disposition", "content-encoding", "content-location", "content-range", "content-security-policy",
        "content-type", "strict-transport-security", "x-content-type-options", "x-frame-options",
        // Who asks.
        "cf-connecting-ip", "from", "true-client-ip", "x-client-ip", "x-cluster-client-ip", "x-real-ip",
    ]
}
