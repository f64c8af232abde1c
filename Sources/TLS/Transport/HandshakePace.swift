// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Limits the number of handshake steps in one turn of a loop: a signature takes as long as a dozen requests, and many
/// new connections must not delay established ones.
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

    /// True if `transport` may continue its handshake now; otherwise it is resumed later, in order.
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
