// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP2
import Reactor

extension Exchange {
    /// Whether the client is waited for, to send content of the request.
    enum ContentWait {
        case none
        /// It may send when it likes: only the share of its client counts.
        case exempt
        case measured
    }

    var contentWait: ContentWait {
        guard !isRequestComplete, !awaitsContinue else { return .none }
        switch machine.state {
        case .collecting, .receiving: return .measured
        case .exchanging(let response):
            guard upstream?.isBlocked == false else { return .none }
            // The messages of a call are as far apart as its peers like (gRPC).
            let isBetweenMessages = upstream?.sink == nil && messages?.isBetween == true
            return response == .streaming || isBetweenMessages ? .exempt : .measured
        case .deciding, .awaiting, .acquiring, .tunnelling, .answered, .ended: return .none
        }
    }

    /// The client holds its content back until the app agrees to it. It need not wait for that without end (RFC 9110
    /// §10.1.1), and many apps never answer.
    private var awaitsContinue: Bool {
        guard request.expectsContinue, !mayContinue, contentReceived == 0 else { return false }
        return forwardedAt.map { worker.loop.now.since($0) < Self.continueTime } ?? true
    }

    private static let continueTime = Nanoseconds.seconds(1)

    /// The client sends too slowly while others wait.
    func requestTooSlow() {
        worker.metrics.endedSlow(.request)
        penalize()
        guard machine.state == .exchanging(.streaming) else { return refuse(status: 408, "request_too_slow") }
        record.ended("request_too_slow")
        abort(.cancel)
    }

    /// The client takes the response too slowly while others wait.
    func responseTooSlow() {
        worker.metrics.endedSlow(.response)
        penalize()
        record.ended("response_too_slow")
        abort(.cancel)
    }

    /// Before its connection is free for others.
    private func penalize() {
        upstream?.pool.penalize(holding?.client ?? clientNetwork)
    }
}
