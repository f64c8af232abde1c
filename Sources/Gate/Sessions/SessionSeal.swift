// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// Makes sessions, and the text of their cookies: the session itself, sealed, or the sealed ticket of a stored one.
final class SessionSeal {
    private let usesTickets: Bool
    private let sessions: Seal
    private let tickets: Seal
    private let random: RandomPool
    private let cookies: OwnCookies
    private let limits: SessionLimits
    private let sightings: Sightings

    init(
        _ session: SessionConfiguration, _ cookies: OwnCookies, _ limits: SessionLimits, _ random: RandomPool,
        _ sightings: Sightings
    ) {
        self.sightings = sightings
        usesTickets = session.isStored
        sessions = Seal(.session, secrets: session.secrets, random: random)
        tickets = Seal(.ticket, secrets: session.secrets, random: random)
        self.cookies = cookies
        self.limits = limits
        self.random = random
    }

    /// The browser has a ticket, and the session is stored elsewhere.
    var isStored: Bool { usesTickets }

    /// A fresh session.
    func start(
        _ fields: UserAttributes, of provider: String, providerSession: [UInt8], idToken: [UInt8], now: Double
    ) -> SessionState {
        SessionState(
            id: random.bytes(SessionState.idByteCount), signedInAt: now, seenAt: now, provider: provider,
            fields: fields, providerSession: providerSession, idToken: idToken)
    }

    /// A ticket for a session on its way to the store, and the record that the store keeps.
    func ticket(for state: SessionState) -> (ticket: SessionTicket, record: [UInt8]) {
        let ticket = SessionTicket(
            id: state.id, key: random.bytes(SessionTicket.keyByteCount), signedInAt: state.signedInAt)
        return (ticket, ticket.seal(state, nonce: random.bytes(SealingKey.nonceByteCount)))
    }

    /// The session in a cookie's text, and whether an older secret sealed it.
    func session(
        _ text: Span<UInt8>, name: [UInt8], _ scope: CookieScope
    ) -> (state: SessionState, isOld: Bool)? {
        guard let opened = sessions.openTellingAge(text, name: name, scope: scope),
            let state = SessionState(encoded: opened.plaintext)
        else { return nil }
        return (state, opened.isOld)
    }

    /// The ticket in a cookie's text, and whether an older secret sealed it.
    func ticket(
        _ text: Span<UInt8>, name: [UInt8], _ scope: CookieScope
    ) -> (ticket: SessionTicket, isOld: Bool)? {
        guard let opened = tickets.openTellingAge(text, name: name, scope: scope),
            let ticket = SessionTicket(encoded: opened.plaintext)
        else { return nil }
        return (ticket, opened.isOld)
    }

    /// Set-Cookie values for a session, and for the end of chunks that the one before had more; nil when the session is
    /// too large.
    ///
    /// - Parameter ticket: nil: the cookie holds the session itself.
    func cookieLines(
        _ state: SessionState, ticket: SessionTicket?, _ scope: CookieScope, isSecure: Bool, lastOldChunk: Int,
        now: Double
    ) -> [[UInt8]]? {
        let names = cookies.names(isSecure: isSecure)
        let sealed =
            ticket.map { tickets.seal($0.encoded, name: names.session, scope: scope) }
            ?? sessions.seal(state.encoded, name: names.session, scope: scope)
        guard let values = SessionCookie.split(sealed) else { return nil }
        let cookie = cookies.setCookie(isSecure: isSecure)
        let maxAge = limits.lifetime - (now - state.signedInAt)
        var lines = values.enumerated().map { chunk, value in
            cookie.session(names.session(chunk: chunk), value, maxAge: maxAge, sameSite: cookies.sameSite)
        }
        if lastOldChunk >= values.count {
            for chunk in values.count...lastOldChunk { lines.append(cookie.expired(names.session(chunk: chunk))) }
        }
        return lines
    }

    /// A block of Set-Cookie lines that restarts the idle time, when that is due. Reports the session as seen when that is.
    func renewal(of identity: Identity, _ request: borrowing AccessRequest) -> [UInt8]? {
        guard request.context.now >= identity.attentionDue else { return nil }
        return attend(to: identity, request)
    }

    /// Not inlined: hardly any request needs it.
    @inline(never)
    private func attend(to identity: Identity, _ request: borrowing AccessRequest) -> [UInt8]? {
        let now = request.context.now
        if now >= identity.sightingDue { sightings.note(identity, request) }
        guard now >= identity.renewalDue, let session = identity.session, let scope = request.cookieScope else {
            return nil
        }
        // The other requests of the same page need not repeat it; but a response may get lost.
        identity.renewalDue = now + min(10, limits.confirmationInterval)
        guard
            let lines = cookieLines(
                session.seen(at: now), ticket: identity.stored?.ticket, scope, isSecure: request.origin.isSecure,
                lastOldChunk: 0, now: now)
        else { return nil }
        var block: [UInt8] = []
        for line in lines {
            block.append("Set-Cookie: ")
            block.append(contentsOf: line)
            block.append("\r\n")
        }
        return block
    }
}
