// SPDX-License-Identifier: Apache-2.0

/// One span of a trace as JSON, as the OpenTelemetry protocol has it (OTLP 1.x: `opentelemetry.proto.trace.v1.Span`,
/// identifiers in hexadecimal, 64-bit numbers as strings).
///
/// Long texts are cut and characters escaped as in the log, so the size is bounded. Attributes without a value are left
/// out.
package struct SpanLine {
    /// `SpanKind`
    package enum Kind: UInt64, Sendable {
        case server = 2
        case client = 3
    }

    /// A span among others.
    package struct Identity: Sendable {
        package let trace: TraceWords
        package let span: UInt64
        /// nil: the trace begins with it.
        package let parent: UInt64?
        /// The parent is a span of another process.
        package let isParentRemote: Bool

        package init(_ trace: TraceWords, span: UInt64, parent: UInt64?, isParentRemote: Bool) {
            self.trace = trace
            self.span = span
            self.parent = parent
            self.isParentRemote = isParentRemote
        }
    }

    private var bytes: [UInt8] = []
    private var hasAttributes = false

    /// - Parameters:
    ///   - start: nanoseconds since 1970.
    ///   - end: not before the start.
    package init(_ identity: Identity, _ kind: Kind, name: StaticString, start: UInt64, end: UInt64) {
        bytes.append(addingCapacity: 512 + name.utf8CodeUnitCount) { out in
            out.append(#"{"traceId":""#)
            out.append(identity.trace)
            out.append(#"","spanId":""#)
            out.append(hex: identity.span)
            if let parent = identity.parent {
                out.append(#"","parentSpanId":""#)
                out.append(hex: parent)
            }
            out.append(#"","flags":"#)
            out.append(Self.flags(identity))
            out.append(#","name":""#)
            out.append(name)
            out.append(#"","kind":"#)
            out.append(kind.rawValue)
            out.append(#","startTimeUnixNano":""#)
            out.append(start)
            out.append(#"","endTimeUnixNano":""#)
            out.append(max(start, end))
            out.append(#"","attributes":["#)
        }
    }

    package mutating func add(_ name: StaticString, _ value: Span<UInt8>, limit: Int = TextLimit.usual) {
        guard !value.isEmpty else { return }
        let room = 64 + name.utf8CodeUnitCount + OutputSpan<UInt8>.escapedBound(value.count, limit: limit)
        bytes.append(addingCapacity: room) { out in
            Self.begin(name, isFirst: !hasAttributes, &out)
            out.append(#"{"stringValue":""#)
            out.append(escaped: value, limit: limit)
            out.append(#""}}"#)
        }
        hasAttributes = true
    }

    package mutating func add(_ name: StaticString, _ value: String, limit: Int = TextLimit.usual) {
        add(name, value.utf8.span, limit: limit)
    }

    package mutating func add(_ name: StaticString, _ value: UInt64) {
        bytes.append(addingCapacity: 96 + name.utf8CodeUnitCount) { out in
            Self.begin(name, isFirst: !hasAttributes, &out)
            out.append(#"{"intValue":""#)
            out.append(value)
            out.append(#""}}"#)
        }
        hasAttributes = true
    }

    /// Appends the span.
    ///
    /// - Parameter isError: its status is `STATUS_CODE_ERROR`.
    package consuming func end(isError: Bool, appendingTo out: inout [UInt8]) {
        bytes.append(addingCapacity: 64) { $0.append(isError ? #"],"status":{"code":2}}"# : #"],"status":{}}"#) }
        out.append(contentsOf: bytes)
    }

    private static func begin(_ name: StaticString, isFirst: Bool, _ out: inout OutputSpan<UInt8>) {
        out.append(isFirst ? #"{"key":""# : #",{"key":""#)
        out.append(name)
        out.append(#"","value":"#)
    }

    /// `SpanFlags`: the trace flag sampled, and whether the parent is remote, which is known.
    private static func flags(_ identity: Identity) -> UInt64 {
        0x101 | (identity.parent != nil && identity.isParentRemote ? 0x200 : 0)
    }

    /// The maximum number of bytes of a text.
    package enum TextLimit {
        package static let usual = Limit.middle
        package static let path = Limit.path
    }
}
