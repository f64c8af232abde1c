// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import Reactor

/// How fast the client sends and takes, while others wait for what it holds.
extension GateExchange {
    var waitForContent: ContentWait {
        guard !isRequestComplete, !awaitsContinue else { return .none }
        switch machine.state {
        case .collecting, .receiving: return .measured
        case .exchanging(let response):
            guard upstream?.isBlocked == false else { return .none }
            // The messages of a gRPC call may be any time apart.
            let isBetweenMessages = upstream?.sink == nil && contentProgress.messages?.isBetween == true
            return response == .streaming || isBetweenMessages ? .exempt : .measured
        case .deciding, .awaiting, .acquiring, .tunnelling, .answered, .ended: return .none
        }
    }

    /// The client holds its content back until the app agrees to it. It need not wait for that without end (RFC 9110
    /// §10.1.1), and many apps never answer.
    private var awaitsContinue: Bool {
        guard request.expectsContinue, !contentProgress.mayContinue, contentCount == 0 else { return false }
        return contentProgress.forwardedAt.map { service.loop.now.since($0) < Self.continueTime } ?? true
    }

    private static let continueTime = Nanoseconds.seconds(1)

    func mayEndForOthers(stalled: Nanoseconds, share: Double, patience: Nanoseconds) -> Bool {
        guard let pool = upstream?.pool, let holding,
            stalled.count >= pool.configuration.connectTimeout.count / 2
        else { return false }
        return pool.ledger.mayEnd(holding, requests: pool.requestsPerConnection, share: share, patience: patience)
    }

    func endSlowRequest() {
        service.endedSlow(.request)
        penalize()
        guard machine.state == .exchanging(.streaming) else { return refuse(status: 408, .requestTooSlow) }
        record.ended(.requestTooSlow)
        abort(.cancelled)
    }

    func endSlowResponse() {
        service.endedSlow(.response)
        penalize()
        endStalledResponse()
    }

    func endStalledResponse() {
        record.ended(.responseTooSlow)
        abort(.cancelled)
    }

    /// Called before the connection is free for others.
    func penalize() {
        upstream?.pool.penalize(holding?.network ?? network)
    }
}
