// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// What a response of the gate is for the audit trail.
enum Audit {
    case none, signIn, logout, refused

    /// From the gate's word for its decision.
    init(_ decision: StaticString) {
        switch decision.description {
        case "sign-in": self = .signIn
        case "logout": self = .logout
        case "refused": self = .refused
        default: self = .none
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

    mutating func begin(_ now: MonotonicTime) {
        self = ExchangeRecord()
        started = now
    }

    mutating func answered(_ response: LocalResponse) {
        status = response.status
        bytesSent = UInt64(response.body.count)
        if reason == nil {
            decision = response.decision
            reason = response.reason
        }
        if let user = response.user { self.user = user }
        audit = Audit(response.decision)
    }

    mutating func responseStarted(_ status: UInt16, _ now: MonotonicTime) {
        self.status = status
        if let upstreamStarted { upstreamDuration = now.since(upstreamStarted) }
    }

    mutating func upstreamFailed(_ loss: ExchangeStateMachine.Loss) {
        reason =
            switch loss {
            case .unreachable: "upstream_unreachable"
            case .notSecured: "upstream_not_secured"
            case .connectTimeout: "upstream_connect_timeout"
            case .closed: "upstream_closed"
            case .refused: "upstream_refused"
            case .responseTimeout: "upstream_response_timeout"
            case .malformed: "upstream_malformed"
            }
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
