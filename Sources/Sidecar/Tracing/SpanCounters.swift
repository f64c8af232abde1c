// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What became of spans that were to be exported (`sidegate_otlp_spans_total`).
package final class SpanCounters: Sendable {
    package enum Result: String, CaseIterable, Sendable {
        case exported
        /// The collector refused them.
        case rejected
        /// The collector did not take them in time.
        case failed
        /// There was no room for them while others waited.
        case dropped
    }

    private let counts = Mutex<[Result: UInt64]>([:])
    private let isInUse = Atomic<Bool>(false)

    package init() {}

    /// Spans are exported, or have been.
    package func use() { isInUse.store(true, ordering: .relaxed) }

    package func add(_ count: Int, _ result: Result) {
        guard count > 0 else { return }
        counts.withLock { $0[result, default: 0] &+= UInt64(count) }
    }

    /// Nil: none are exported.
    package var figures: [Result: UInt64]? { isInUse.load(ordering: .relaxed) ? counts.withLock { $0 } : nil }
}
