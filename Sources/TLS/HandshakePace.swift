// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Lets a loop compute only so many steps of handshakes in one turn: a signature takes as long as a dozen requests, and a
/// crowd of newcomers must not hold up those who are there.
package final class HandshakePace {
    private let loop: EventLoop
    private let stepsPerTurn: Int
    private var turn = MonotonicTime(nanoseconds: 0)
    private var stepsTaken = 0
    private var waiting: [TLSTransport] = []

    package init(loop: EventLoop, stepsPerTurn: Int = 8) {
        self.loop = loop
        self.stepsPerTurn = max(1, stepsPerTurn)
    }

    /// True when `transport` may go on with its handshake now; else it is told to later, in its turn.
    func mayProceed(_ transport: TLSTransport) -> Bool {
        if loop.now != turn {
            turn = loop.now
            stepsTaken = 0
        }
        if stepsTaken < stepsPerTurn, waiting.isEmpty {
            stepsTaken += 1
            return true
        }
        if waiting.isEmpty { loop.nextTurn { [self] in goOn() } }
        waiting.append(transport)
        return false
    }

    private func goOn() {
        let lucky = waiting.prefix(stepsPerTurn)
        waiting.removeFirst(lucky.count)
        if !waiting.isEmpty { loop.nextTurn { [self] in goOn() } }
        for transport in lucky { transport.proceedInTurn() }
    }
}
