// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor
import Telemetry

/// What the log and the counters need to know of an exchange.
struct ExchangeRecord {
    var started = MonotonicTime(nanoseconds: 0)
    var upstreamStarted: MonotonicTime?
    /// From sending the request to the app until the head of its response.
    private(set) var upstreamDuration: Nanoseconds?
    private(set) var status: UInt16 = 0
    /// Content bytes of the response.
    var bytesSent: UInt64 = 0
    var outcome = Outcome.none
    private(set) var reason: Reason?
    /// The reason in words.
    private(set) var detail: String?
    var user: String?
    /// The identity provider's name; empty while providers have none.
    private(set) var provider = ""
    /// The request that this one is about (forward-auth).
    private(set) var subject: RequestSubject?
    /// What `access.mode: enforce` would have done.
    private(set) var observation: Observation?
    /// The app was notified of the user.
    var isProvisioned = false
    /// The identity provider ended the sessions, not the user.
    var isBackchannelLogout = false
    /// This request opened the app's own login page.
    var opensNativeLogin = false
    /// The response is not complete.
    var isAborted = false
    /// It was counted as a request in flight.
    var isCounted = false
    /// How the app failed.
    private(set) var cause: UpstreamCause?

    /// The audit trail has an event for it.
    var concernsAudit: Bool { auditKind != nil || isProvisioned || opensNativeLogin }

    /// The event that the outcome is in the audit trail.
    var auditKind: AuditEvent.Kind? {
        switch outcome {
        case .signIn: .login
        case .logout: .logout
        // Without a reason, as for a method that is not allowed, the refusal is about no user.
        case .refused: reason.map { $0 == .replayed ? .replayed : .denied }
        case .forward, .open, .observe, .nativeLogin, .redirect, .unauthenticated, .choose, .confirm, .signedIn, .guest,
            .loginLoop, .session, .sessionUnknown, .keys, .answer, .notFound, .forwardAuth, .limited, .badRequest,
            .malformed, .upstreamFailure, .none:
            nil
        }
    }

    var logoutCause: LogoutCause { isBackchannelLogout ? .backchannel : .user }

    mutating func begin(_ now: MonotonicTime) {
        self = ExchangeRecord()
        started = now
    }

    /// - Parameter identity: nil: nobody is.
    mutating func signedIn(_ identity: Identity?) {
        user = identity?.user
        if let identity, !identity.provider.isEmpty { provider = identity.provider }
    }

    mutating func answered(_ response: LocalResponse) {
        status = response.status
        bytesSent = UInt64(response.body.count)
        if reason == nil {
            outcome = response.outcome
            reason = response.reason
            detail = response.detail
        }
        if let user = response.user { self.user = user }
        if let provider = response.provider { self.provider = provider }
        if subject != nil || response.subject != nil { subject = response.subject }
    }

    /// The session ended with the app's response.
    mutating func signedOut() {
        outcome = .logout
    }

    mutating func observed(_ observation: Observation) {
        self.observation = observation
        reason = observation.reason
        detail = observation.remark?.detail
        if user?.isEmpty ?? true { user = observation.remark?.user }
        if provider.isEmpty, let named = observation.remark?.provider { provider = named }
    }

    mutating func responseStarted(_ status: UInt16, _ now: MonotonicTime) {
        self.status = status
        if let upstreamStarted { upstreamDuration = now.since(upstreamStarted) }
    }

    mutating func upstreamFailed(_ fault: UpstreamFault) {
        cause = fault.cause
        reason = UpstreamFailure(fault.cause).reason
        detail = fault.detail
    }

    /// The response was ended before it was complete.
    mutating func ended(_ reason: Reason) {
        self.reason = reason
    }

    /// The head was refused before anything could be decided.
    mutating func malformed(_ status: UInt16, _ reason: Reason, detail: String?) {
        self.status = status
        outcome = .malformed
        self.reason = reason
        self.detail = detail
    }
}
