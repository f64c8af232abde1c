// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import JWT

/// What a request's credentials amount to.
enum IdentityVerdict {
    /// There are none.
    case none
    case refused(ReasonCode)
    case valid(Identity)
    /// It is kept elsewhere, and that must be asked first.
    case needsLookup(SessionReference)
    /// It is kept elsewhere, and there was no answer.
    case storeUnavailable(SessionReference)
    /// A bearer token is good in itself, and the replay store must be asked first whether it has signed in.
    case unchecked(TokenQuestion)

    /// Nothing that stands behind it can change it.
    var isFinal: Bool {
        switch self {
        case .valid, .needsLookup: true
        case .none, .refused, .storeUnavailable, .unchecked: false
        }
    }
}

// Sessions: finding, opening, renewing and making them.
extension Gate {
    /// The session that came with the request. From the loop's cache when its cookie was seen before; the times are
    /// judged each time.
    func session(of request: borrowing AccessRequest) -> IdentityVerdict {
        guard request.head.fields.contains(where: { $0.known == .cookie }) else { return .none }
        let names = names(request)
        let places = SessionCookiePlaces(request.head, names)
        guard !places.isEmpty else { return .none }
        // Where the config fixes what cookies are bound to, the request's host does not matter.
        let host = Self.host(request)
        var left = IdentityVerdict.none
        for index in 0..<places.firstCount {
            let found = found(
                places.firsts[index], request, host: host, names,
                join: { first, count, joined in places.join(first, count: count, request.head.bytes, into: &joined) })
            let verdict = verdict(on: found, request)
            if verdict.isFinal { return verdict }
            if case .none = left { left = verdict }
        }
        if places.hasMore {
            let search = SessionCookieSearch(request.head, names)
            for first in search.firsts {
                let found = found(
                    first, request, host: host, names,
                    join: { first, count, joined in search.join(first, count: count, request.head.bytes, into: &joined)
                    })
                let verdict = verdict(on: found, request)
                if verdict.isFinal { return verdict }
                if case .none = left { left = verdict }
            }
        }
        if case .none = left { return .refused(.sessionInvalid) }
        return left
    }

    /// The host that a cached session is bound to; empty where the configuration fixes what cookies are bound to.
    private static func host(_ request: borrowing AccessRequest) -> ByteRange {
        let host = request.origin.host
        return request.site.fixedScope == nil && host.upperBound <= request.head.bytes.count ? host : .empty
    }

    /// The user of the session that this browser had last, good or over; nil: not known.
    func lastUser(of request: borrowing AccessRequest) -> UserAttributes? {
        let names = names(request)
        let search = SessionCookieSearch(request.head, names)
        let host = Self.host(request)
        for first in search.firsts {
            let found = found(
                first, request, host: host, names,
                join: { first, count, joined in search.join(first, count: count, request.head.bytes, into: &joined) })
            if case .identity(let identity) = found { return identity.fields }
        }
        return nil
    }

    /// What a cookie leads to.
    private enum Found {
        case nothing
        case identity(Identity)
        case ticket(SessionReference)

        init(_ identity: Identity?) {
            self = identity.map { .identity($0) } ?? .nothing
        }
    }

    /// What one cookie amounts to. One that is over does not decide: a good one may stand behind it.
    private func verdict(on found: Found, _ request: borrowing AccessRequest) -> IdentityVerdict {
        let now = request.context.now
        let identity: Identity
        switch found {
        case .nothing: return .none
        case .identity(let known): identity = known
        case .ticket(let session):
            let reason = absence(of: session, now: now)
            if reason == .sessionExpired || absentSessions.contains(session.id, now: request.context.monotonic) {
                return .refused(reason)
            }
            switch request.context.sessionLookup {
            case .notAsked: return .needsLookup(session)
            case .answered: return .refused(reason)
            case .failed: return .storeUnavailable(session)
            }
        }
        guard let session = identity.session else { return .none }
        if request.context.monotonic >= identity.freshUntil, let stored = identity.stored,
            request.context.sessionLookup == .notAsked
        {
            return .needsLookup(stored.again(timeToLive: timeToLive(signedInAt: session.signedInAt, now: now)))
        }
        if let reason = limits.refusal(signedInAt: session.signedInAt, seenAt: session.seenAt, now: now) {
            return .refused(reason)
        }
        if identity.authorizedAt != policyEpoch, isRevoked(identity) { return .refused(.sessionRevoked) }
        return .valid(identity)
    }

    /// - Parameter join: puts the chunks of a first value together; false when one is missing.
    @inline(__always)
    private func found(
        _ first: ByteRange, _ request: borrowing AccessRequest, host: ByteRange, _ names: CookieNames,
        join: (ByteRange, Int, inout [UInt8]) -> Bool
    ) -> Found {
        let bytes = request.head.bytes.span
        let count = SessionCookie.count(first: bytes.extracting(first.range))
        let host = bytes.extracting(host.range)
        if count == 1 {
            let text = bytes.extracting(first.range)
            if let known = sessions.identity(text, host: host, isSecure: request.origin.isSecure, now: 0) {
                return .identity(known)
            }
            if configuration.session.isStored, let scope = request.cookieScope,
                let ticket = sessionReference(
                    text, name: names.session, scope, host: host, isSecure: request.origin.isSecure,
                    now: request.context.now)
            {
                return .ticket(ticket)
            }
            return Found(open(text, request, host: host, names))
        }
        // The memory is lent, so that it is not copied while it is written to.
        var joined: [UInt8] = []
        swap(&joined, &joinedCookie)
        defer { swap(&joined, &joinedCookie) }
        guard count > 1, join(first, count, &joined) else { return .nothing }
        if let known = sessions.identity(joined.span, host: host, isSecure: request.origin.isSecure, now: 0) {
            return .identity(known)
        }
        return Found(open(joined.span, request, host: host, names))
    }

    private func open(
        _ text: Span<UInt8>, _ request: borrowing AccessRequest, host: Span<UInt8>, _ names: CookieNames
    ) -> Identity? {
        guard let scope = request.cookieScope,
            let opened = sessionSeal.openTellingAge(text, name: names.session, scope: scope),
            let state = SessionState(encoded: opened.plaintext)
        else { return nil }
        let identity = Identity(
            fields: state.fields, headerBlock: rendering.block(for: state.fields), session: state,
            // Sealed anew at once when the secret is an older one: that can then be dropped sooner.
            renewalDue: opened.isOld ? 0 : limits.idleTimeout > 0 ? state.seenAt + limits.renewalInterval : .infinity)
        sessions.keep(identity, text, host: host, isSecure: request.origin.isSecure)
        return identity
    }

    /// Set-Cookie lines that count the idle time anew, when it is time for that.
    func renewal(of identity: Identity, _ request: borrowing AccessRequest) -> [UInt8]? {
        let now = request.context.now
        guard now >= identity.renewalDue, let session = identity.session,
            let scope = request.cookieScope
        else { return nil }
        // The other requests of the same page need not carry it too; but an answer may get lost.
        identity.renewalDue = now + min(10, askingInterval)
        let names = names(request)
        let seen = session.seen(at: now)
        let lines =
            if let ticket = identity.stored?.ticket {
                sessionCookies(
                    seen, sealed: ticketSeal.seal(ticket.encoded, name: names.session, scope: scope), names,
                    isSecure: request.origin.isSecure, lastOldChunk: 0, now: now)
            } else {
                sessionCookies(seen, names, scope, isSecure: request.origin.isSecure, lastOldChunk: 0, now: now)
            }
        guard let lines else { return nil }
        var block: [UInt8] = []
        for line in lines {
            block.append("Set-Cookie: ")
            block.append(contentsOf: line)
            block.append("\r\n")
        }
        return block
    }

    /// Set-Cookie values for a session, and for the end of chunks that the one before had more; nil when the session
    /// is too large.
    func sessionCookies(
        _ state: SessionState, _ names: CookieNames, _ scope: CookieScope, isSecure: Bool, lastOldChunk: Int,
        now: Double
    ) -> [[UInt8]]? {
        sessionCookies(
            state, sealed: sessionSeal.seal(state.encoded, name: names.session, scope: scope), names,
            isSecure: isSecure, lastOldChunk: lastOldChunk, now: now)
    }

    /// - Parameter sealed: the cookie's text, or that of all its chunks.
    func sessionCookies(
        _ state: SessionState, sealed: [UInt8], _ names: CookieNames, isSecure: Bool, lastOldChunk: Int, now: Double
    ) -> [[UInt8]]? {
        guard let values = SessionCookie.split(sealed) else { return nil }
        let cookie = setCookie(isSecure: isSecure)
        let maxAge = limits.lifetime - (now - state.signedInAt)
        var lines = values.enumerated().map { chunk, value in
            cookie.session(
                names.session(chunk: chunk), value, maxAge: maxAge, sameSite: configuration.session.sameSite)
        }
        if lastOldChunk >= values.count {
            for chunk in values.count...lastOldChunk {
                lines.append(cookie.expired(names.session(chunk: chunk)))
            }
        }
        return lines
    }

    /// `/.sidegate/session`: who is signed in, and until when. It does not count as activity.
    func sessionDocument(_ request: borrowing AccessRequest) -> LocalResponse {
        guard request.head.method == .get || request.head.method == .head else {
            return methodNotAllowed(request, allow: "GET, HEAD")
        }
        let verdict = session(of: request)
        if case .storeUnavailable = verdict { return sessionUnknown(request) }
        guard case .valid(let identity) = verdict, let session = identity.session else {
            return unauthenticatedJSON(request, nil)
        }
        switch authorization(of: identity) {
        case .allowed: break
        case .visitor: return unauthenticatedJSON(request, nil)
        case .refused(let reason):
            return forbidden(
                reason, identity.fields, asJSON: true, requestID: request.idText,
                returnTo: .root)
        }
        var members: [(String, JSONValue)] = [
            ("user", .string(session.fields.user)),
            ("fields", .object(session.fields.document)),
            ("signed_in_at", Self.number(session.signedInAt)),
            ("expires_at", Self.number(session.signedInAt + limits.lifetime)),
        ]
        if limits.idleTimeout > 0 {
            members.append(("idle_expires_at", Self.number(session.seenAt + limits.idleTimeout)))
        }
        var response = json(200, JSONObject(members))
        response.decision = "session"
        response.user = identity.user
        return response
    }

    private static func number(_ seconds: Double) -> JSONValue {
        .number(JSONNumber(Int(max(0, min(seconds.rounded(.down), 9e15)))))
    }
}

extension UserAttributes {
    /// A text for a field with one value, an array for a list.
    var document: JSONObject {
        JSONObject(
            fields.map { field in
                let values = field.values.map { JSONValue.string($0) }
                return (field.name, field.isList ? .array(values) : values.first ?? .null)
            })
    }
}
