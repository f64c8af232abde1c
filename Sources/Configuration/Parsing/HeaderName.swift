// SPDX-License-Identifier: Apache-2.0

/// Names of headers as app servers may read them: CGI folds case, and `_` and `.` into `-`.
enum HeaderName {
    static func folded(_ name: String) -> String {
        String(name.lowercased().map { $0 == "_" || $0 == "." ? "-" : $0 })
    }

    /// What frames or routes the request, or is Sidegate's to set.
    static let reserved: Set<String> = [
        "accept", "connection", "content-encoding", "content-length", "content-type", "cookie", "date", "expect",
        "forwarded", "host", "http2-settings", "keep-alive", "location", "origin", "proxy-authenticate",
        "proxy-authorization", "proxy-connection", "referer", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site",
        "server", "set-cookie", "te", "trailer", "traceparent", "transfer-encoding", "upgrade", "user-agent",
        "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-original-method",
        "x-original-url", "x-request-id", "x-requested-with",
    ]
}
