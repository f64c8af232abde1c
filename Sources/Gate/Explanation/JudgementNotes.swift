// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What requests are judged by, for the log; the same for a proxy's question about another request.
struct JudgementNotes {
    private let authorization: Authorizer
    private let sessions: Sessions
    private let forwardAuth: ForwardAuth

    init(_ authorization: Authorizer, _ sessions: Sessions, _ forwardAuth: ForwardAuth) {
        self.authorization = authorization
        self.sessions = sessions
        self.forwardAuth = forwardAuth
    }

    func note(on request: borrowing AccessRequest) -> JudgementNote {
        guard let reserved = request.path.reserved else { return judged(request) }
        var note = JudgementNote(nil, sessions.session(of: request))
        if reserved == .auth {
            _ = forwardAuth.step(
                request,
                judge: { original in
                    note = judged(original)
                    return .done(.forward(nil, renewal: nil))
                }, reserved: { _ in nil })
        }
        return note
    }

    private func judged(_ request: borrowing AccessRequest) -> JudgementNote {
        JudgementNote(authorization.decidingRules(on: request), sessions.session(of: request))
    }
}
