// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The trace that a request belongs to, and the spans of it that this gate makes (W3C Trace Context, OpenTelemetry).
package struct TraceContext: Equatable, Sendable {
    /// The trace, in two words.
    package let trace: TraceID
    /// The span of the caller; nil: the trace begins here.
    package let caller: UInt64?
    /// The gate's span of the request.
    package let server: UInt64
    /// The gate's span of the request that it sends to the app, which the app gets as its parent.
    package let client: UInt64
    /// Its spans are to be kept: the app gets the flag `sampled`.
    package let isSampled: Bool
    /// Its spans are exported from here.
    package let isExported: Bool

    package init(
        _ trace: TraceID, caller: UInt64? = nil, server: UInt64, client: UInt64, isSampled: Bool, isExported: Bool
    ) {
        self.trace = trace
        self.caller = caller
        self.server = server
        self.client = client
        self.isSampled = isSampled
        self.isExported = isExported
    }

    /// Appends the field line that the app gets.
    func append(to out: inout [UInt8]) {
        out.append("traceparent: 00-")
        out.append(hex: trace.high)
        out.append(hex: trace.low)
        out.append(UInt8(ascii: "-"))
        out.append(hex: client)
        out.append(isSampled ? "-01\r\n" : "-00\r\n")
    }
}

/// The identifier of a trace: sixteen bytes.
package struct TraceID: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

extension [UInt8] {
    /// Sixteen lower-case hexadecimal digits.
    fileprivate mutating func append(hex word: UInt64) {
        for shift in stride(from: UInt64(60), through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: word >> shift & 15)
            append(digit < 10 ? digit &+ UInt8(ascii: "0") : digit &+ UInt8(ascii: "a") &- 10)
        }
    }
}
