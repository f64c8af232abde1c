// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor

/// What a response of the gate is for the audit trail.
enum Audit {
    case none, signIn, logout, refused
    /// For the counters alone.
    case redirect, unauthenticated, guest, loop, limited

    /// From the gate's word for its decision.
    init(_ decision: StaticString) {
        // As it is: a `String` would be made for each request.
        let word = unsafe Span(_unsafeStart: decision.utf8Start, count: decision.utf8CodeUnitCount)
        self =
            if word.equals("redirect") {
                .redirect
            } else if word.equals("unauthenticated") {
                .unauthenticated
            } else if word.equals("sign-in") {
                .signIn
            } else if word.equals("logout") {
                .logout
            } else if word.equals("refused") {
                .refused
            } else if word.equals("guest") {
                .guest
            } else if word.equals("login-loop") {
                .loop
            } else if word.equals("limited") {
                .limited
            } else {
                .none
            }
    }
}

/// What is remembered of an exchange for the access log.
struct ExchangeRecord {
    var started = MonotonicTime(nanoseconds: 0)
    var upstreamStarted: MonotonicTime?
    /// From handing the request to the app until its response's head.
    private(set) var upstreamDuration: Nanoseconds?
    private(set) var status: UInt16 = 0
    /// Content bytes of the response.
    var bytesSent: UInt64 = 0
    var decision: StaticString = "none"
    private(set) var reason: String?
    var user: String?
    /// The request that this one asked about.
    private(set) var subject: RequestSubject?
    /// What `access.mode: enforce` would have done.
    private(set) var observation: Observation.Act?
    private(set) var observedReason: String?
    /// What the audit trail is told.
    private(set) var audit = Audit.none
    /// The app was told of the user.
    var isProvisioned = false
    /// The identity provider ended the sessions, not the user.
    var isBackchannelLogout = false
    /// This request opened the app's own login page.
    var opensNativeLogin = false
    /// The response did not reach its end.
    var isAborted = false
    /// It is among the requests in flight.
    var isCounted = false
    /// What went wrong is the app's doing; the reason says what.
    private(set) var hasUpstreamFailed = false
    /// No connection to the app could be made.
    private(set) var wasUnreachable = false

    /// The audit trail may want to know.
    var concernsAudit: Bool {
        switch audit {
        case .signIn, .logout, .refused: true
        case .none, .redirect, .unauthenticated, .guest, .loop, .limited: isProvisioned || opensNativeLogin
        }
    }

    mutating func begin(_ now: MonotonicTime) {
        self = ExchangeRecord()
        started = now
    }

    mutating func answered(_ response: LocalResponse) {
        status = response.status
        bytesSent = UInt64(response.body.count)
        if reason == nil {
            decision = response.decision
            if let reason = response.reason { self.reason = reason }
        }
        if let user = response.user { self.user = user }
        if subject != nil || response.subject != nil { subject = response.subject }
        audit = Audit(response.decision)
    }

    /// The session ended with the app's response.
    mutating func signedOut() {
        decision = "logout"
        audit = .logout
    }

    mutating func observed(_ observation: Observation) {
        self.observation = observation.act
        observedReason = observation.reason
        reason = observation.reason
    }

    mutating func responseStarted(_ status: UInt16, _ now: MonotonicTime) {
        self.status = status
        if let upstreamStarted { upstreamDuration = now.since(upstreamStarted) }
    }

    mutating func upstreamFailed(_ loss: ExchangeStateMachine.Loss, isReset: Bool = false) {
        reason =
            switch loss {
            case .unreachable: "upstream_unreachable"
            case .notSecured: "upstream_not_secured"
            case .connectTimeout: "upstream_connect_timeout"
            case .overloaded: "upstream_overloaded"
            case .closed: isReset ? "upstream_reset" : "upstream_closed"
            case .refused: "upstream_refused"
            case .responseTimeout: "upstream_response_timeout"
            case .malformed: "upstream_malformed"
            }
        hasUpstreamFailed = true
        wasUnreachable = loss == .unreachable || loss == .connectTimeout
    }

    /// The response was ended before its end, with the session.
    mutating func ended(_ reason: String) {
        self.reason = reason
    }

    /// The head was refused before anything could be decided.
    mutating func malformed(_ status: UInt16, _ description: String) {
        self.status = status
        decision = "malformed"
        reason = description
    }
}
