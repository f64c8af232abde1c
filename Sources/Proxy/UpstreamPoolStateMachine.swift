// SPDX-License-Identifier: Apache-2.0

/// Who may use which connection to the app: idle ones first, the last used foremost, so that those not needed age and end.
///
/// A pure value over whatever stands for a connection and for somebody waiting; ``UpstreamPool`` performs the actions.
package struct UpstreamPoolStateMachine<Connection: AnyObject, Waiter: AnyObject> {
    package enum AcquireAction {
        case use(Connection)
        case connect
        /// All are busy: the waiter's turn comes when one is released.
        case wait
        /// As many wait as may.
        case refuse
    }

    package enum ReleaseAction {
        case hand(Connection, to: Waiter)
        case park
        case close
        /// The connection is to be closed, and there is room for a new one for this waiter.
        case closeAndConnect(for: Waiter)
    }

    private var idle: [Connection] = []
    private var waiting: [Waiter] = []
    /// Open connections and attempts to open one.
    package private(set) var openCount = 0
    private let maximum: Int
    private let maximumWaiting: Int

    package init(maximum: Int, maximumWaiting: Int) {
        self.maximum = max(1, maximum)
        self.maximumWaiting = maximumWaiting
    }

    package var idleCount: Int { idle.count }
    package var waitingCount: Int { waiting.count }

    /// - Parameter fresh: only a new connection will do (the retry after an idle one proved dead).
    package mutating func acquire(_ waiter: Waiter, fresh: Bool) -> AcquireAction {
        if !fresh, let connection = idle.popLast() { return .use(connection) }
        if openCount < maximum {
            openCount += 1
            return .connect
        }
        guard waiting.count < maximumWaiting else { return .refuse }
        waiting.append(waiter)
        return .wait
    }

    /// An exchange is done with its connection.
    package mutating func released(_ connection: Connection, isReusable: Bool) -> ReleaseAction {
        if isReusable {
            if !waiting.isEmpty { return .hand(connection, to: waiting.removeFirst()) }
            idle.append(connection)
            return .park
        }
        return closed()
    }

    /// A connection, or an attempt at one, has ended without being released. The result is never `.hand` or `.park`.
    package mutating func closed() -> ReleaseAction {
        openCount -= 1
        guard !waiting.isEmpty else { return .close }
        openCount += 1
        return .closeAndConnect(for: waiting.removeFirst())
    }

    /// A connection that was made otherwise is one of these from now on.
    package mutating func adopted() {
        openCount += 1
    }

    /// An idle connection ended; true when it was indeed idle.
    package mutating func idleEnded(_ connection: Connection) -> Bool {
        guard let index = idle.lastIndex(where: { $0 === connection }) else { return false }
        idle.remove(at: index)
        openCount -= 1
        return true
    }

    /// Somebody waits no longer.
    package mutating func gaveUp(_ waiter: Waiter) {
        waiting.removeAll { $0 === waiter }
    }

    /// All idle connections, to be closed.
    package mutating func takeIdle() -> [Connection] {
        let all = idle
        idle = []
        openCount -= all.count
        return all
    }
}
