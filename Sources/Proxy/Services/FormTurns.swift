// SPDX-License-Identifier: Apache-2.0

import Reactor

/// How much of a loop's turn is spent on forms that are kept: reading one and writing its page takes milliseconds for each
/// megabyte, and many may be complete at the same time. The others wait for the turns that follow, in their order.
final class FormTurns {
    private let loop: EventLoop
    private var turn: UInt32 = 0
    /// Of the forms of this turn.
    private var bytes = 0
    private var waiting: [(cost: Int, work: () -> Void)] = []

    init(_ loop: EventLoop) {
        self.loop = loop
    }

    /// - Parameter count: the bytes of a form.
    /// - Returns: whether there is room for it in this turn, which is used then.
    func take(_ count: Int) -> Bool {
        beginTurn()
        guard waiting.isEmpty, hasRoom(for: Self.cost(count)) else { return false }
        bytes += Self.cost(count)
        return true
    }

    /// Runs `work` in the first turn with room for it.
    func wait(_ count: Int, _ work: @escaping () -> Void) {
        waiting.append((Self.cost(count), work))
        if waiting.count == 1 { loop.nextTurn { [self] in advance() } }
    }

    private func advance() {
        beginTurn()
        while let next = waiting.first, hasRoom(for: next.cost) {
            waiting.removeFirst()
            bytes += next.cost
            next.work()
        }
        if !waiting.isEmpty { loop.nextTurn { [self] in advance() } }
    }

    private func beginTurn() {
        guard turn != loop.turn else { return }
        turn = loop.turn
        bytes = 0
    }

    /// One form of any size always has.
    private func hasRoom(for cost: Int) -> Bool { bytes == 0 || bytes + cost <= Self.bytesPerTurn }

    /// However small a form is, its page has a cost.
    private static func cost(_ count: Int) -> Int { max(count, 8192) }

    static let bytesPerTurn = 256 << 10
}
