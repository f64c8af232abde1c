// SPDX-License-Identifier: Apache-2.0

import Reactor

/// A transport whose socket takes as much at a time as the test specifies.
final class FakeTransport: Transport {
    /// How much each write takes; after the last one everything. Negative: the write fails.
    private var takes: [Int] = []
    private(set) var written: [UInt8] = []
    private(set) var writes = 0
    /// Of the latest write: how many pieces were not empty.
    private(set) var pieces = 0
    private(set) var awaitsWritable = false

    convenience init(takes: [Int] = []) {
        self.init(loop: FakeTransport.idleLoop)
        self.takes = takes.reversed()
    }

    override func write(_ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>) -> WriteOutcome {
        writes += 1
        pieces = [first.isEmpty, second.isEmpty, third.isEmpty].count { !$0 }
        awaitsWritable = false
        var room = takes.popLast() ?? Int.max
        guard room >= 0 else { return .failed(32) }
        var count = 0
        for piece in [bytes(first), bytes(second), bytes(third)] {
            let taken = piece.prefix(room)
            written += taken
            count += taken.count
            room -= taken.count
        }
        return .wrote(count)
    }

    override func awaitWritable() {
        awaitsWritable = true
    }

    private func bytes(_ span: Span<UInt8>) -> [UInt8] {
        span.indices.map { span[$0] }
    }

    /// Never runs: only the type wants one.
    private static let idleLoop = EventLoop(label: "fake")
}
