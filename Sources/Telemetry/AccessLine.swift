// SPDX-License-Identifier: Apache-2.0

import Decisions

/// The fields of an access line except the texts, which are passed as bytes.
package struct AccessLine: Sendable {
    /// When the request arrived, in seconds since 1970.
    package var time: Double
    package var status: UInt16
    /// Bytes of content sent downstream.
    package var bytes: UInt64
    /// Bytes of the request's content.
    package var bytesReceived: UInt64
    /// From the request's first byte to the response's last, in seconds.
    package var duration: Double
    /// The address of the app that the request was for; empty: of none.
    package var upstream: [UInt8]
    /// From sending to the app to the response's first byte, in seconds; nil if the request was not forwarded.
    package var upstreamDuration: Double?
    /// The version of HTTP, such as `HTTP/1.1`; empty: not known.
    package var version: StaticString
    /// The version of TLS; empty: none.
    package var tls: String
    /// The trace that the client or the app knows the request by; nil: there is none.
    package var trace: TraceWords?
    /// Written as `decision`.
    package var outcome: Outcome
    /// How the request would be turned away if `access.mode` were `enforce`; nil: not at all.
    package var would: Outcome.Denial?
    package var reason: Reason?
    /// How the app failed.
    package var cause: UpstreamCause?
    /// The reason in words.
    package var detail: String?
    /// The connection's address, if it is not the client's.
    package var peer: [UInt8]
    /// The identity provider's name; empty while providers have none.
    package var provider: String

    package init(
        time: Double, status: UInt16, bytes: UInt64, bytesReceived: UInt64 = 0, duration: Double,
        upstream: [UInt8] = [], upstreamDuration: Double? = nil, version: StaticString = "", tls: String = "",
        trace: TraceWords? = nil, outcome: Outcome, would: Outcome.Denial? = nil, reason: Reason? = nil,
        cause: UpstreamCause? = nil, detail: String? = nil, peer: [UInt8] = [], provider: String = ""
    ) {
        self.time = time
        self.status = status
        self.bytes = bytes
        self.bytesReceived = bytesReceived
        self.duration = duration
        self.upstream = upstream
        self.upstreamDuration = upstreamDuration
        self.version = version
        self.tls = tls
        self.trace = trace
        self.outcome = outcome
        self.would = would
        self.reason = reason
        self.cause = cause
        self.detail = detail
        self.peer = peer
        self.provider = provider
    }
}

/// The identifier of a trace, in two words.
package struct TraceWords: Equatable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// Writes access lines. One for each event loop; it caches the text of the current second.
///
/// Allocates nothing while `out` has room. Each call adds exactly one line, whatever the texts; long texts are
/// truncated, so that its size is bounded (about 22 KiB at most).
package struct AccessLog: Sendable {
    private let format: LogFormat
    private var timestamp = Timestamp()

    package init(format: LogFormat) {
        self.format = format
    }

    /// Appends one line, with its line end. Empty texts and nil values have no field.
    ///
    /// - Parameters:
    ///   - id: the request's ID.
    ///   - client: the client's address, behind the trusted proxies.
    ///   - path: the path of the target. See ``LoggedPath``.
    ///   - user: the signed-in user.
    ///   - userAgent: what the client says of itself.
    package mutating func append(
        _ line: AccessLine, id: Span<UInt8>, client: Span<UInt8>, method: Span<UInt8>, host: Span<UInt8>,
        path: Span<UInt8>, user: Span<UInt8>, userAgent: Span<UInt8>, to out: inout [UInt8]
    ) {
        let path = path.extracting(0..<LoggedPath.count(of: path))
        let decision = line.outcome.name
        let detail = (line.detail ?? "").utf8.span
        let peer = line.peer
        let upstream = line.upstream
        let provider = line.provider.utf8.span
        // The names of outcomes, reasons and causes are far below 64 bytes.
        let bound =
            1280 + OutputSpan<UInt8>.escapedBound(id.count, limit: Limit.short)
            + OutputSpan<UInt8>.escapedBound(client.count, limit: Limit.short)
            + OutputSpan<UInt8>.escapedBound(peer.count, limit: Limit.short)
            + OutputSpan<UInt8>.escapedBound(method.count, limit: Limit.short)
            + OutputSpan<UInt8>.escapedBound(host.count, limit: Limit.middle)
            + OutputSpan<UInt8>.escapedBound(path.count, limit: Limit.path)
            + OutputSpan<UInt8>.escapedBound(user.count, limit: Limit.middle)
            + OutputSpan<UInt8>.escapedBound(detail.count, limit: Limit.middle)
            + OutputSpan<UInt8>.escapedBound(provider.count, limit: Limit.short)
            + OutputSpan<UInt8>.escapedBound(upstream.count, limit: Limit.middle)
            + OutputSpan<UInt8>.escapedBound(userAgent.count, limit: Limit.middle)
        out.append(addingCapacity: bound) { out in
            switch format {
            case .json:
                out.append(#"{"time":""#)
                timestamp.append(line.time, to: &out)
                out.append(#"","kind":"access""#)
                out.append(#","id":""#, id, Limit.short)
                out.append(#","client":""#, client, Limit.short)
                out.append(#","peer":""#, peer.span, Limit.short)
                out.append(#","method":""#, method, Limit.short)
                out.append(#","host":""#, host, Limit.middle)
                out.append(#","path":""#, path, Limit.path)
                out.append(#","status":"#)
                out.append(UInt64(line.status))
                out.append(#","bytes":"#)
                out.append(line.bytes)
                out.append(#","bytesReceived":"#)
                out.append(line.bytesReceived)
                out.append(#","duration":"#)
                out.append(seconds: line.duration)
                out.append(#","upstream":""#, upstream.span, Limit.middle)
                if let upstream = line.upstreamDuration {
                    out.append(#","upstreamDuration":"#)
                    out.append(seconds: upstream)
                }
                out.append(#","protocol":""#, fixed: line.version)
                out.append(#","tls":""#, line.tls.utf8.span, Limit.version)
                out.append(#","userAgent":""#, userAgent, Limit.middle)
                if let trace = line.trace {
                    out.append(#","traceID":""#)
                    out.append(trace)
                    out.append(#"""#)
                }
                out.append(#","user":""#, user, Limit.middle)
                out.append(#","provider":""#, provider, Limit.short)
                out.append(#","decision":""#)
                out.append(decision)
                out.append(#"""#)
                if let would = line.would { out.append(#","would":""#, would.rawValue.utf8.span, Limit.short) }
                if let reason = line.reason { out.append(#","reason":""#, reason.rawValue.utf8.span, Limit.short) }
                if let cause = line.cause { out.append(#","cause":""#, cause.rawValue.utf8.span, Limit.short) }
                out.append(#","detail":""#, detail, Limit.middle)
                out.append("}\n")
            case .text:
                timestamp.append(line.time, to: &out)
                out.append(" access")
                out.append(#" id=""#, id, Limit.short)
                out.append(#" client=""#, client, Limit.short)
                out.append(#" peer=""#, peer.span, Limit.short)
                out.append(#" method=""#, method, Limit.short)
                out.append(#" host=""#, host, Limit.middle)
                out.append(#" path=""#, path, Limit.path)
                out.append(" status=")
                out.append(UInt64(line.status))
                out.append(" bytes=")
                out.append(line.bytes)
                out.append(" bytesReceived=")
                out.append(line.bytesReceived)
                out.append(" duration=")
                out.append(seconds: line.duration)
                out.append(#" upstream=""#, upstream.span, Limit.middle)
                if let upstream = line.upstreamDuration {
                    out.append(" upstreamDuration=")
                    out.append(seconds: upstream)
                }
                out.append(#" protocol=""#, fixed: line.version)
                out.append(#" tls=""#, line.tls.utf8.span, Limit.version)
                out.append(#" userAgent=""#, userAgent, Limit.middle)
                if let trace = line.trace {
                    out.append(#" traceID=""#)
                    out.append(trace)
                    out.append(#"""#)
                }
                out.append(#" user=""#, user, Limit.middle)
                out.append(#" provider=""#, provider, Limit.short)
                out.append(#" decision=""#)
                out.append(decision)
                out.append(#"""#)
                if let would = line.would { out.append(#" would=""#, would.rawValue.utf8.span, Limit.short) }
                if let reason = line.reason { out.append(#" reason=""#, reason.rawValue.utf8.span, Limit.short) }
                if let cause = line.cause { out.append(#" cause=""#, cause.rawValue.utf8.span, Limit.short) }
                out.append(#" detail=""#, detail, Limit.middle)
                out.append("\n")
            }
        }
    }
}

/// The maximum number of bytes of a text in a line.
enum Limit {
    static let version = 16
    static let short = 128
    static let middle = 320
    static let path = 2048
    static let message = 4096
}

extension OutputSpan<UInt8> {
    /// A field: the text before the value, up to its opening quote, the value, the closing quote. Nothing for an empty
    /// value.
    @inline(__always)
    mutating func append(_ opening: StaticString, _ value: Span<UInt8>, _ limit: Int) {
        guard !value.isEmpty else { return }
        append(opening)
        append(escaped: value, limit: limit)
        append(UInt8(ascii: "\""))
    }

    /// A field whose value is one of the program's own words.
    @inline(__always)
    mutating func append(_ opening: StaticString, fixed value: StaticString) {
        guard value.utf8CodeUnitCount > 0 else { return }
        append(opening)
        append(value)
        append(UInt8(ascii: "\""))
    }

    /// Thirty-two lower-case hexadecimal digits.
    mutating func append(_ trace: TraceWords) {
        append(hex: trace.high)
        append(hex: trace.low)
    }
}
