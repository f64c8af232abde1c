// SPDX-License-Identifier: Apache-2.0

import Reactor
import TestSupport
import Testing

@testable import Proxy

@Suite("How many forms are prepared in a turn of the loop", .timeLimit(.minutes(5)))
struct FormTurnsTests {
    private final class Notes {
        var turns: [(name: Int, turn: UInt32)] = []
    }

    /// The turns in which forms of these sizes get their turn, all of which are complete in the same one; 0: that one.
    private func turns(_ sizes: [Int]) async throws -> [Int] {
        let loop = EventLoop(label: "test.forms")
        defer { loop.shutDown() }
        let ended = Mailbox<[Int]>()
        loop.submit {
            let (turns, notes, first) = (FormTurns(loop), Notes(), loop.turn)
            func prepared(_ name: Int) {
                notes.turns.append((name, loop.turn))
                guard notes.turns.count == sizes.count else { return }
                let inOrder = notes.turns.map(\.name) == Array(sizes.indices)
                ended.send(inOrder ? notes.turns.map { Int($0.turn &- first) } : [])
            }
            for (name, size) in sizes.enumerated() {
                if turns.take(size) { prepared(name) } else { turns.wait(size) { prepared(name) } }
            }
        }
        return try await ended.next()
    }

    @Test("one of any size, or several that are small together; the others follow in their order")
    func bounded() async throws {
        let most = FormTurns.bytesPerTurn
        let large = try await turns([4 * most, 4 * most, 4 * most])
        #expect(large.count == 3 && large[0] == 0 && large[1] > 0 && large[2] > large[1])
        let halves = try await turns(Array(repeating: most / 2, count: 6))
        #expect(halves.count == 6 && Set(halves).count == 3)
        #expect(Dictionary(grouping: halves) { $0 }.values.allSatisfy { $0.count == 2 })
        #expect(try await turns([1, 1, 1]) == [0, 0, 0])
        // A small one does not pass those that wait.
        let mixed = try await turns([most, most, 1])
        #expect(mixed.count == 3 && mixed[0] == 0 && mixed[1] > 0 && mixed[2] > mixed[1])
        let empty = try await turns(Array(repeating: 0, count: 1000))
        #expect(empty.count == 1000 && Set(empty).count > 10)
    }
}
