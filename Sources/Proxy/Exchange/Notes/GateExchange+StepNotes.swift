// SPDX-License-Identifier: Apache-2.0

import Gate
import Telemetry

/// What a request had to wait for before it was decided: the steps of a sign-in, and lookups in stores.
extension GateExchange {
    /// The gate gets `answer`. Neither names a token, a code or anything of a form.
    func note(_ question: Question, _ answer: Answer) {
        service.note(
            .debug, "step of the decision", of: self, [("step", question.noteName), ("answer", answer.noteWords)])
    }
}

extension Question {
    /// As docs/log.md lists them.
    fileprivate var noteName: String {
        switch self {
        case .content: "content"
        case .collectForm: "form"
        case .keys(let providers, _): "key sets" + (providers.isEmpty ? "" : " of " + providers.joined(separator: ", "))
        case .exchangeCode: "authorization code"
        case .consumeToken: "single use"
        case .endBearer: "bearer use ends"
        case .checkToken: "bearer token unused"
        case .provision: "provisioning"
        case .consumeLogoutToken: "single use of the logout token"
        case .revoke: "revocation"
        case .fetchSession: "session lookup"
        case .storeSession: "session storage"
        }
    }
}

extension Answer {
    fileprivate var noteWords: String {
        switch self {
        case .content(let bytes): "\(bytes.count) bytes"
        case .collectForm(let form):
            switch form {
            case .whole(let bytes): "\(bytes.count) bytes"
            case .tooLarge: "too large"
            case .noRoom: "no memory for it"
            }
        case .keys, .endBearer: "done"
        case .exchangeCode(.tokens): "tokens"
        case .exchangeCode(.refused(let detail)): "refused: " + detail
        case .exchangeCode(.unavailable(let detail)): "unavailable: " + detail
        case .consumeToken(let verdict), .consumeLogoutToken(let verdict):
            switch verdict {
            case .fresh: "fresh"
            case .replayed: "used before"
            case .repeated: "repeated return"
            case .unavailable: "store unavailable"
            case .full: "store full"
            }
        case .checkToken(let use):
            switch use {
            case .unused: "unused"
            case .used: "used"
            case .lastKnownUnused: "store unavailable, unused before"
            case .unavailable: "store unavailable"
            }
        case .provision(let verdict):
            switch verdict {
            case .agreed: "agreed"
            case .noSeat: "no seat left"
            case .failed: "failed"
            }
        case .revoke(let isRemembered): isRemembered ? "done" : "no room to remember it"
        case .fetchSession(let answer, _):
            switch answer {
            case .found: "found"
            case .gone: "gone"
            case .unavailable: "store unavailable"
            }
        case .storeSession(let isStored): isStored ? "stored" : "not stored"
        }
    }
}
