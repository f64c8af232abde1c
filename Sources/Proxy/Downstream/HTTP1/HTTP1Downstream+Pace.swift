// SPDX-License-Identifier: Apache-2.0

import Reactor

extension HTTP1Downstream {
    func forEachExchange(_ body: (Exchange) -> Void) {
        if let exchange { body(exchange) }
    }

    func measurePace(_ round: PaceRound) {
        switch phase {
        case .content where !output.isBlocked, .head where !output.isBlocked:
            guard let exchange, exchange.contentWait != .none else { return }
            if round.isTooSlow(
                .request, &pace, number: exchange.generation, total: exchange.contentReceived, of: exchange,
                isExempt: exchange.contentWait == .exempt)
            {
                isPersistent = false
                exchange.requestTooSlow()
            }
        case .content, .response, .flushing, .skipping:
            guard output.isBlocked else { return }
            let queued = UInt64(clamping: transport.queuedBytes)
            let taken = output.written &- min(queued, output.written)
            guard round.isTooSlow(.response, &pace, number: exchange?.generation ?? 0, total: taken, of: exchange)
            else { return }
            if let exchange { return exchange.responseTooSlow() }
            worker.metrics.endedSlow(.response)
            lost()
        case .head, .lingering, .closed: break
        }
    }
}
