// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Browsers that a provider has sent to another path than the return path: those without a session, by
/// ``ReturnPathCheck``, and with what never is the app's, all of them, by ``MisdirectedReturns``.
final class StrayReturns {
    private let check: ReturnPathCheck
    private let misdirected: MisdirectedReturns
    private let sessions: Sessions

    init(_ check: ReturnPathCheck, _ misdirected: MisdirectedReturns, _ sessions: Sessions) {
        self.check = check
        self.misdirected = misdirected
        self.sessions = sessions
    }

    /// False for most requests.
    @inline(__always)
    func mayBeMisdirected(_ request: borrowing AccessRequest) -> Bool { misdirected.mayInclude(request) }

    /// Whatever session there is; nil: the request is no such return. The caller knows that it is not for a return path.
    func misdirected(_ request: borrowing AccessRequest) -> Step? {
        if let refusal = misdirected.refusal(of: request) { return .respond(refusal) }
        return request.head.method == .post ? misdirected.formStep(request) : nil
    }

    /// The same for a form at a path of Sidegate's own that has no purpose.
    func misdirectedForm(_ request: borrowing AccessRequest) -> Step? {
        request.head.method == .post ? misdirected.formStep(request) : nil
    }

    /// Nil: the request is no such return.
    func step(_ request: borrowing AccessRequest) -> Step? {
        if mayBeMisdirected(request), let refusal = misdirected.refusal(of: request) { return .respond(refusal) }
        guard let refusal = check.refusal(of: request) else { return nil }
        return switch sessions.session(of: request) {
        case .valid, .storeUnavailable: nil
        case .needsLookup(let session): .ask(.fetchSession(session))
        case .refused, .none: .respond(refusal)
        }
    }

    /// The same where the caller knows that there is no session.
    func refusal(of request: borrowing AccessRequest) -> LocalResponse? { check.refusal(of: request) }

    func refusal(of request: borrowing AccessRequest, form: [UInt8]) -> LocalResponse? {
        misdirected.refusal(of: request, form: form) ?? check.refusal(of: request, form: form)
    }

    /// The form was collected already; the caller knows that there is no session.
    func refusal(ofCollected request: borrowing AccessRequest) -> LocalResponse? {
        check.refusal(ofCollected: request)
    }

    /// The form must be read to know; the caller knows that there is no session.
    func mayBeForm(_ request: borrowing AccessRequest) -> Bool { check.mayHoldToken(request) }

    /// The form must be read to know, and there is no session.
    func isForm(_ request: borrowing AccessRequest) -> Bool {
        guard check.mayHoldToken(request) else { return false }
        if case .valid = sessions.session(of: request) { return false }
        return true
    }
}
