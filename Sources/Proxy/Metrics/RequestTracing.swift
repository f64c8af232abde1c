// SPDX-License-Identifier: Apache-2.0

import Gate
import Telemetry

/// Where spans are exported to, and how many of them.
package struct SpanExport: Sendable {
    package let sink: any SpanSink
    /// Of the traces that begin here, those that are exported: from 0 to 1.
    package let share: Double

    package init(_ sink: any SpanSink, share: Double) {
        self.sink = sink
        self.share = share
    }
}

/// How a loop traces its requests: for their access lines, and for export.
struct RequestTracing {
    let tracer: Tracer
    /// Nil: none are exported.
    let spans: RequestSpans?

    /// Nil: neither needs it.
    init?(_ export: SpanExport?, log: RequestLog?, _ forwarding: Forwarding) {
        guard export != nil || log?.hasAccessLines == true else { return nil }
        tracer = forwarding.makeTracer(share: export?.share ?? 0)
        spans = export.map { RequestSpans($0.sink) }
    }
}
