// SPDX-License-Identifier: Apache-2.0

/// Spans as the elements of a JSON array, without its brackets.
package struct SpanBatch: Sendable {
    package private(set) var bytes: [UInt8] = []
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// Adds a span.
    package mutating func append(_ line: consuming SpanLine, isError: Bool) {
        if count > 0 { bytes.append(UInt8(ascii: ",")) }
        line.end(isError: isError, appendingTo: &bytes)
        count += 1
    }

    package mutating func append(_ other: SpanBatch) {
        guard !other.isEmpty else { return }
        if count > 0 { bytes.append(UInt8(ascii: ",")) }
        bytes += other.bytes
        count += other.count
    }
}

/// Takes spans from the loops to where they are sent from.
package protocol SpanSink: AnyObject, Sendable {
    /// Called from any thread; never waits. What there is no room for is dropped and counted.
    func accept(_ batch: SpanBatch)
}

/// The request by which spans are exported (`ExportTraceServiceRequest` as JSON), without the spans: what is said of the
/// process that they come from.
package struct SpanEnvelope: Sendable {
    private let head: [UInt8]
    private static let tail = Array("]}]}]}".utf8)

    /// - Parameters:
    ///   - service: `service.name`
    ///   - version: `service.version`, and that of the instrumentation; empty: not known.
    ///   - host: `host.name`; empty: not known.
    package init(service: String, version: String, host: String) {
        var head: [UInt8] = []
        func add(_ text: StaticString) { head.append(addingCapacity: text.utf8CodeUnitCount + 8) { $0.append(text) } }
        func add(value: String) {
            let span = value.utf8.span
            head.append(addingCapacity: OutputSpan<UInt8>.escapedBound(span.count, limit: Limit.middle)) {
                $0.append(escaped: span, limit: Limit.middle)
            }
        }
        add(#"{"resourceSpans":[{"resource":{"attributes":["#)
        let attributes: [(StaticString, String)] = [
            ("service.name", service), ("service.version", version), ("host.name", host),
        ]
        for (index, (name, value)) in attributes.filter({ !$0.1.isEmpty }).enumerated() {
            add(index == 0 ? #"{"key":""# : #",{"key":""#)
            add(name)
            add(#"","value":{"stringValue":""#)
            add(value: value)
            add(#""}}"#)
        }
        add(#"]},"scopeSpans":[{"scope":{"name":"sidegate""#)
        if !version.isEmpty {
            add(#","version":""#)
            add(value: version)
            add("\"")
        }
        add(#"},"spans":["#)
        self.head = head
    }

    package func body(_ batch: SpanBatch) -> [UInt8] {
        head + batch.bytes + Self.tail
    }
}
