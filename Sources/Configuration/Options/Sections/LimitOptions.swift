// SPDX-License-Identifier: Apache-2.0

/// `limits`
enum LimitOptions {
    static let headerBytes = Option<Int>(
        "limits.headerBytes", .size(1024...1_048_576), default: "32KiB", "The largest request head; 431 above it.")
    static let bodyBytes = Option<Int?>(
        "limits.bodyBytes", .sizeOrNone(0...(1 << 50)), default: "0",
        "The largest request body; 413 above it. 0: no limit.")
    static let connections = Option<Int>(
        "limits.connections", .integer(1...10_000_000), default: "20000",
        "The most connections of clients at a time.")
    static let requestsPerSecond = Option<Int?>(
        "limits.requestsPerSecond", .integerOrNone(0...1_000_000_000), default: "0",
        "The most requests a second of one client, which is an IPv4 address or the /64 of an IPv6 one; as many may come at"
            + " once. Above it 429, with Retry-After. 0: no limit.")
    static let headerTimeout = Option<Duration>(
        "limits.headerTimeout", .duration(OptionRange.anyTime), default: "10s",
        "How long a request head may take to arrive.")
    static let bodyIdleTimeout = Option<Duration>(
        "limits.bodyIdleTimeout", .duration(OptionRange.anyTime), default: "60s",
        "How long a client may send nothing of a request's content that is waited for, or take nothing of a response"
            + " that is ready for it.")
    static let minimumBodyRate = Option<Int>(
        "limits.minimumBodyRate", .integer(0...1_000_000), default: "512",
        "Bytes a second that a client must send of its request, over 10 s after the first 10 s, or take of its response,"
            + " over 30 s after the first 30 s. Counts only while Sidegate waits for the client and other requests wait for"
            + " a connection to the same app, or nine tenths of `limits.connections` are open. 0: off.")
    static let clientShare = Option<Int>(
        "limits.clientShare", .fraction, default: "0.5",
        "The part of `upstream.maxConnections` that one client, which is an IPv4 address or the /64 of an IPv6 one, may hold"
            + " while requests of other clients wait: beyond it, its stalled requests end first."
            + " For five minutes after one of its requests was ended as slow, it never holds more.")
    static let keepAliveTimeout = Option<Duration>(
        "limits.keepAliveTimeout", .duration(OptionRange.anyTime), default: "75s",
        "How long an idle connection of a client is kept.")
    static let drainTimeout = Option<Duration>(
        "limits.drainTimeout", .duration(OptionRange.zeroOrTime), default: "30s",
        "How long requests in flight may take to finish after SIGTERM.")
    static let drainDelay = Option<Duration>(
        "limits.drainDelay", .duration(OptionRange.zeroOrTime), default: "0s",
        "How long connections are still accepted after SIGTERM, with readiness failing already: the time that load"
            + " balancers need to notice. It comes before `drainTimeout`.")

    static let rows = OptionRow.of(
        headerBytes, bodyBytes, connections, requestsPerSecond, headerTimeout, bodyIdleTimeout, minimumBodyRate,
        clientShare, keepAliveTimeout, drainTimeout, drainDelay)
}

/// `http2`
enum HTTP2Options {
    static let enabled = Option<Bool>("http2.enabled", .boolean, default: "true", "Speak HTTP/2 with browsers.")
    static let maxConcurrentStreams = Option<Int>(
        "http2.maxConcurrentStreams", .integer(1...10_000), default: "128", "Requests at a time on one connection.")

    static let rows = OptionRow.of(enabled, maxConcurrentStreams)
}
