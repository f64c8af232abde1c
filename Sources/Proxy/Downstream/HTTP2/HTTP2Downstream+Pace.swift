// SPDX-License-Identifier: Apache-2.0

import HTTP2
import Reactor

extension HTTP2Downstream {
    func forEachExchange(_ body: (Exchange) -> Void) {
        session.forEachStream { stream in
            if let exchange = (stream.handler as? HTTP2DownstreamStream)?.exchange { body(exchange) }
        }
    }

    func measurePace(_ round: PaceRound) {
        guard phase == .open || phase == .draining else { return }
        var streams: [HTTP2DownstreamStream] = []
        var pending: UInt64 = 0
        session.forEachStream { stream in
            guard let handler = stream.handler as? HTTP2DownstreamStream else { return }
            streams.append(handler)
            if stream.pendingContent > 0 { pending += 1 }
        }
        // While the socket is full, what it takes counts for all streams alike.
        if output.isBlocked {
            let queued = UInt64(clamping: transport.queuedBytes)
            let taken = output.written &- min(queued, output.written)
            if let takenBefore, pending > 0 { credit &+= (taken &- min(takenBefore, taken)) / pending }
            takenBefore = taken
        } else {
            takenBefore = nil
        }
        for stream in streams { stream.measurePace(round, credit: credit) }
        serve()
        scheduleFlush()
    }
}

extension HTTP2DownstreamStream {
    func measurePace(_ round: PaceRound, credit: UInt64) {
        guard tunnel == nil, !stream.isClosed else { return }
        if stream.pendingContent > 0 {
            let total = stream.contentSent &+ credit
            guard round.isTooSlow(.response, &pace, number: 0, total: total, of: exchange) else { return }
            if let exchange { return exchange.responseTooSlow() }
            worker.metrics.endedSlow(.response)
            session.reset(stream, .cancel)
        } else if let exchange, exchange.contentWait != .none, hasNoContentAtHand {
            if round.isTooSlow(
                .request, &pace, number: 1, total: exchange.contentReceived, of: exchange,
                isExempt: exchange.contentWait == .exempt)
            {
                exchange.requestTooSlow()
            }
        }
    }
}
