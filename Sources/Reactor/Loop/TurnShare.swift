// SPDX-License-Identifier: Apache-2.0

/// How many bytes one connection may move in a turn of the loop, so that bulk transfers do not delay short exchanges.
///
/// A total for the turn is divided among the connections that moved much in the turn before; few of them get more each,
/// since fewer, larger reads cost less.
package struct TurnShare: Sendable {
    /// The number of bytes.
    package private(set) var bytes = TurnShare.most
    private var users = 0

    package init() {}

    /// A connection moves much in this turn.
    package mutating func join() {
        users += 1
    }

    package mutating func turnEnded() {
        guard users > 0 || bytes != Self.most else { return }
        bytes = min(Self.most, max(Self.least, Self.total / max(1, users)))
        users = 0
    }

    package static let total = 8 << 20
    package static let most = ReceiveBuffer.largeRead
    package static let least = 65_536
}

/// What one connection has moved in the current turn of its loop, in one direction.
package struct TurnUse: Sendable {
    private var turn: UInt32 = 0
    private var bytes: UInt32 = 0

    package init() {}

    /// Adds a read or write; false if the connection has used its share of this turn.
    package mutating func add(_ count: Int, on loop: EventLoop) -> Bool {
        let current = loop.turn
        if turn != current {
            turn = current
            bytes = 0
            loop.joinTurn()
        }
        // However little it moves, a step has a cost.
        bytes &+= UInt32(clamping: max(count, Self.least))
        return bytes < loop.bytesPerTurn
    }

    private static let least = 32_768
}
