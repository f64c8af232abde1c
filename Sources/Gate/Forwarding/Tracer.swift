// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Begins and continues the traces of one loop's requests.
package final class Tracer {
    private let random: RandomPool
    /// A new trace is exported if the first 63 bits of its identifier's second half are below this.
    private let limit: UInt64

    /// - Parameter share: of the traces that begin here, those that are exported: from 0 to 1.
    init(share: Double, _ random: RandomPool) {
        self.random = random
        let bounded = share > 0 ? min(share, 1) : 0
        limit = UInt64(bounded * Double(UInt64(1) << 63))
    }

    /// The context of a request whose spans are exported if they are to be kept. The caller decides that where there is one
    /// (W3C Trace Context, `sampled`); nil: it does not keep them, and the app gets its field as it came.
    package func trace(of head: borrowing RequestHead) -> TraceContext? {
        guard let parent = Traceparent(of: head) else {
            let trace = newTrace()
            let isExported = trace.low >> 1 < limit
            return context(trace, caller: nil, isSampled: isExported, isExported: isExported)
        }
        guard parent.isSampled else { return nil }
        return context(parent.trace, caller: parent.parent, isSampled: true, isExported: true)
    }

    /// The context of a request that no spans are exported of, if a trace begins here: nil where the caller's passes. As
    /// without any exporter, others may keep their spans.
    package func begin(_ head: borrowing RequestHead) -> TraceContext? {
        guard !Traceparent.isSound(in: head) else { return nil }
        return context(newTrace(), caller: nil, isSampled: true, isExported: false)
    }

    private func newTrace() -> TraceID {
        let (high, low) = random.words()
        // All zeros is no identifier.
        return TraceID(high: high, low: low | (high == 0 ? 1 : 0))
    }

    private func context(_ trace: TraceID, caller: UInt64?, isSampled: Bool, isExported: Bool) -> TraceContext {
        let (server, client) = random.words()
        return TraceContext(
            trace, caller: caller, server: max(server, 1), client: max(client, 1), isSampled: isSampled,
            isExported: isExported)
    }
}
