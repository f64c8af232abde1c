// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Telemetry

/// Spans that wait to be sent, bounded in number and in bytes: what there is no room for is dropped.
package final class SpanQueue: SpanSink, Sendable {
    private struct State {
        var batches: [SpanBatch] = []
        var spans = 0
        var bytes = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let dropped: @Sendable (_ spans: Int) -> Void
    private let filled: @Sendable (_ isFull: Bool) -> Void

    /// - Parameters:
    ///   - dropped: called with the number of spans that there was no room for.
    ///   - filled: called when something waits after nothing did, and (`isFull`) when a request's worth waits.
    package init(
        dropped: @escaping @Sendable (_ spans: Int) -> Void, filled: @escaping @Sendable (_ isFull: Bool) -> Void
    ) {
        self.dropped = dropped
        self.filled = filled
    }

    package func accept(_ batch: SpanBatch) {
        enum Result {
            case added, first, full, dropped
        }
        let result = state.withLock { state -> Result in
            guard !state.isClosed, state.spans + batch.count <= Self.maximumSpans,
                state.bytes + batch.bytes.count <= Self.maximumBytes
            else { return .dropped }
            let before = state.spans
            state.batches.append(batch)
            state.spans += batch.count
            state.bytes += batch.bytes.count
            if before < Self.requestSpans, state.spans >= Self.requestSpans { return .full }
            return before == 0 ? .first : .added
        }
        switch result {
        case .added: break
        case .first: filled(false)
        case .full: filled(true)
        case .dropped: dropped(batch.count)
        }
    }

    /// The oldest spans, as many as belong into one request; nil: none wait.
    package func take() -> SpanBatch? {
        state.withLock { state in
            guard !state.batches.isEmpty else { return nil }
            var taken = SpanBatch()
            var count = 0
            for batch in state.batches {
                let isFitting =
                    taken.count + batch.count <= Self.requestSpans
                    && taken.bytes.count + batch.bytes.count <= Self.requestBytes
                guard isFitting || count == 0 else { break }
                taken.append(batch)
                count += 1
                state.spans -= batch.count
                state.bytes -= batch.bytes.count
            }
            state.batches.removeFirst(count)
            return taken
        }
    }

    /// Nothing is sent any more.
    package func close() {
        state.withLock { $0.isClosed = true }
    }

    /// A request's worth of spans waits.
    package var isFull: Bool { state.withLock { $0.spans >= Self.requestSpans } }

    /// The defaults of OpenTelemetry's batch processor are 512 in a request, and 2048 that wait.
    package static let requestSpans = 512
    private static let requestBytes = 1 << 20
    package static let maximumSpans = 8192
    package static let maximumBytes = 8 << 20
}
