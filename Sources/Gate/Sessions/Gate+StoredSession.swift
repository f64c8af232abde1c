// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import JWT
import Pages

// Sessions that are kept elsewhere. A loop keeps what it has fetched in its cache like any other session, and asks again
// when it has not done so for a minute; in between, what ends sessions everywhere ends them here too.
extension Gate {
    /// The ticket in a cookie's text, and what to ask the store; nil for anything else.
    func sessionReference(
        _ text: Span<UInt8>, name: [UInt8], _ scope: CookieScope, host: Span<UInt8>, isSecure: Bool, now: Double
    ) -> SessionReference? {
        guard let opened = ticketSeal.openTellingAge(text, name: name, scope: scope),
            let ticket = SessionTicket(encoded: opened.plaintext)
        else { return nil }
        return SessionReference(
            ticket, timeToLive: timeToLive(signedInAt: ticket.signedInAt, now: now), renewalInterval: askingInterval,
            text: Array(copying: text), host: Array(copying: host), isSecure: isSecure, isOld: opened.isOld)
    }

    /// The session that must be fetched before `request` can be answered.
    func sessionReference(_ request: borrowing AccessRequest) -> SessionReference? {
        guard configuration.session.isStored, request.context.sessionLookup == .notAsked else { return nil }
        if case .needsLookup(let session) = session(of: request) {
            return session
        }
        return nil
    }

    /// After `.fetchSession`: the store's answer is known, and the same `decide` is asked again, with
    /// `request.context.sessionLookup` saying so.
    package func sessionFetched(_ awaited: SessionReference, _ answer: SessionAnswer, now: ClockReading) {
        let text = awaited.text
        let host = awaited.host
        switch answer {
        case .found(let record):
            guard let state = awaited.ticket.open(record) else { return sessions.forget(text.span) }
            let identity = Identity(
                fields: state.fields, headerBlock: rendering.block(for: state.fields),
                session: state.seen(at: now.wall),
                renewalDue: awaited.isOld ? 0 : .infinity, stored: awaited,
                freshUntil: now.monotonic + askingInterval)
            sessions.keep(identity, text.span, host: host.span, isSecure: awaited.isSecure)
        case .gone:
            sessions.forget(text.span)
            absentSessions.note(awaited.id, now: now.monotonic)
        case .unavailable:
            // Who is known here goes on, and does not wait each time.
            sessions.identity(text.span, host: host.span, isSecure: awaited.isSecure, now: now.wall)?.freshUntil =
                now.monotonic + Self.pauseAfterFailure
        }
    }

    /// Why a session with a good ticket is not there.
    func absence(of session: SessionReference, now: Double) -> ReasonCode {
        if now - session.ticket.signedInAt >= limits.lifetime { return .sessionExpired }
        if endedSessions.end([Revocation.subject(session: session.id)], signedInAt: session.ticket.signedInAt) {
            return .sessionRevoked
        }
        // It was signed out elsewhere, or nobody came for long: the store does not say which.
        return limits.idleTimeout > 0 ? .sessionIdle : .sessionInvalid
    }

    /// A fresh session for the store, and then for the browser.
    func keep(_ state: SessionState, _ pending: PendingSignIn, now: Double) -> Decision {
        let ticket = SessionTicket(
            id: state.id, key: random.bytes(SessionTicket.keyByteCount), signedInAt: state.signedInAt)
        return .storeSession(
            NewStoredSession(
                id: state.id, record: ticket.seal(state, nonce: random.bytes(SealingKey.nonceByteCount)),
                timeToLive: timeToLive(signedInAt: state.signedInAt, now: now), replaced: pending.replacedSession,
                state: state, ticket: ticket, pending: pending))
    }

    /// After `.storeSession`: the answer, now that the store has it or has not. Without the store the sign-in follows
    /// `replay.onFailure`: refused, or a session that lives in the cookie.
    package func sessionStored(_ session: NewStoredSession, _ isKept: Bool, _ request: borrowing AccessRequest)
        -> LocalResponse
    {
        let pending = session.pending
        if isKept {
            let names = pending.isSecure ? secureNames : plainNames
            let text = ticketSeal.seal(session.ticket.encoded, name: names.session, scope: pending.scope)
            return signedIn(pending, session.state, sealed: text, request)
        }
        guard configuration.replayFailure == .allow else {
            return signInRefused(.replayStoreUnavailable, status: 503, pending)
        }
        return signedIn(pending, session.state, sealed: nil, request)
    }

    /// 503: the session may be good, but the store that knows does not answer. No redirect, which would end in a loop.
    func sessionUnknown(_ request: borrowing AccessRequest) -> LocalResponse {
        var response = error(503, request, decision: "session-unknown")
        response.add("Retry-After", "2")
        return response
    }

    func timeToLive(signedInAt: Double, now: Double) -> Double {
        let left = max(1, signedInAt + limits.lifetime - now)
        return limits.idleTimeout > 0 ? min(limits.idleTimeout, left) : left
    }

    /// Seconds for which the store's word counts.
    var askingInterval: Double { limits.idleTimeout > 0 ? limits.renewalInterval : 60 }

    /// The tickets of one request that the store may be asked about: several cookies may hold one, and those of sessions
    /// that are over stay in browsers.
    package static let maximumLookups = 4

    /// Seconds.
    static let pauseAfterFailure: Double = 5
}

/// Sessions that the store did not have when it was last asked: a fixed number, oldest out, each for a moment.
struct AbsentSessions {
    private var entries: [(id: [UInt8], until: Double)] = []
    private var next = 0

    func contains(_ id: [UInt8], now: Double) -> Bool {
        entries.contains { $0.id == id && now < $0.until && now >= $0.until - Self.lifetime }
    }

    mutating func note(_ id: [UInt8], now: Double) {
        if entries.count < Self.capacity {
            entries.append((id, now + Self.lifetime))
        } else {
            entries[next] = (id, now + Self.lifetime)
            next = (next + 1) % Self.capacity
        }
    }

    private static let capacity = 64
    private static let lifetime: Double = 5
}
