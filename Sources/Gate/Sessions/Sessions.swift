// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import HTTP
import JWT

/// The sessions of one loop: finds the session of a request, and keeps the identities of those it has opened.
///
/// A session is in its cookie, or in a store that the cookie holds a ticket for. A stored session that was fetched is
/// cached like any other, and confirmed by the store once a minute; in between, revocations end it here too.
final class Sessions {
    private let seal: SessionSeal
    private let rendering: HeaderRendering
    private let limits: SessionLimits
    private let revocations: SessionRevocations
    private let providers: ProviderNames
    /// The names of cookies over http and https, apart, so that a request copies none of them.
    private let plainNames: CookieNames
    private let secureNames: CookieNames
    private var known = IdentityCache()
    private var absent = AbsentSessions()
    /// Kept between requests for its memory.
    private var joinedCookie: [UInt8] = []

    init(
        seal: SessionSeal, rendering: HeaderRendering, limits: SessionLimits, revocations: SessionRevocations,
        providers: ProviderNames, cookies: OwnCookies
    ) {
        self.seal = seal
        self.rendering = rendering
        self.limits = limits
        self.revocations = revocations
        self.providers = providers
        plainNames = cookies.names(isSecure: false)
        secureNames = cookies.names(isSecure: true)
    }

    /// The session that came with the request. From the cache when its cookie was seen before; the times are compared each
    /// time.
    func session(of request: borrowing AccessRequest) -> SessionVerdict {
        guard request.head.fields.contains(where: { $0.known == .cookie }) else { return .none }
        let places =
            request.origin.isSecure
            ? SessionCookiePlaces(request.head, secureNames) : SessionCookiePlaces(request.head, plainNames)
        guard !places.isEmpty else { return .none }
        let host = Self.host(request)
        var left = SessionVerdict.none
        for index in 0..<places.firstCount {
            let found = found(
                places.firsts[index], request, host: host,
                join: { first, count, joined in places.join(first, count: count, request.head.bytes, into: &joined) })
            let verdict = verdict(on: found, request)
            if verdict.isFinal { return verdict }
            if case .none = left { left = verdict }
        }
        if places.hasMore {
            let search = SessionCookieSearch(request.head, names(request))
            for first in search.firsts {
                let found = found(
                    first, request, host: host,
                    join: { first, count, joined in
                        search.join(first, count: count, request.head.bytes, into: &joined)
                    })
                let verdict = verdict(on: found, request)
                if verdict.isFinal { return verdict }
                if case .none = left { left = verdict }
            }
        }
        if case .none = left { return .refused(.sessionInvalid) }
        return left
    }

    /// The session that must be fetched before `request` can be answered.
    func reference(in request: borrowing AccessRequest) -> SessionReference? {
        guard seal.isStored, request.sessionLookup == .notAsked,
            case .needsLookup(let reference) = session(of: request)
        else { return nil }
        return reference
    }

    /// The session that this browser had last, valid or ended; nil: not known.
    func last(of request: borrowing AccessRequest) -> SessionState? {
        let search = SessionCookieSearch(request.head, names(request))
        let host = Self.host(request)
        for first in search.firsts {
            let found = found(
                first, request, host: host,
                join: { first, count, joined in search.join(first, count: count, request.head.bytes, into: &joined) })
            if case .identity(let identity) = found { return identity.session }
        }
        return nil
    }

    /// The store has answered.
    func fetched(_ awaited: SessionReference, _ answer: SessionAnswer, now: ClockReading) {
        let cookie = awaited.text
        let name = awaited.host
        let text = cookie.span
        let host = name.span
        switch answer {
        case .found(let record):
            guard let state = awaited.ticket.open(record)?.current(providers) else { return known.forget(text) }
            let identity = Identity(
                fields: state.fields, provider: state.provider, headerBlock: rendering.block(for: state.fields),
                session: state.seen(at: now.wall), renewalDue: awaited.isOld ? 0 : .infinity, stored: awaited,
                freshUntil: now.monotonic + limits.confirmationInterval)
            known.keep(identity, text, host: host, isSecure: awaited.isSecure)
        case .gone:
            known.forget(text)
            absent.note(awaited.id, now: now.monotonic)
        case .unavailable:
            // A cached session remains valid, and its requests do not wait each time.
            known.identity(text, host: host, isSecure: awaited.isSecure, now: now.wall)?.freshUntil =
                now.monotonic + Self.pauseAfterFailure
        }
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

    /// What one cookie amounts to. One of an ended session does not decide: a valid one may follow it.
    private func verdict(on found: Found, _ request: borrowing AccessRequest) -> SessionVerdict {
        let now = request.context.now
        let identity: Identity
        switch found {
        case .nothing: return .none
        case .identity(let known): identity = known
        case .ticket(let session):
            let reason = absence(of: session, now: now)
            if reason == .sessionExpired || absent.contains(session.id, now: request.context.monotonic) {
                return .refused(reason)
            }
            switch request.sessionLookup {
            case .notAsked: return .needsLookup(session)
            case .answered: return .refused(reason)
            case .failed: return .storeUnavailable(session)
            }
        }
        guard let times = identity.times else { return .none }
        if request.context.monotonic >= identity.freshUntil, let stored = identity.stored,
            request.sessionLookup == .notAsked
        {
            return .needsLookup(stored.again(timeToLive: limits.timeToLive(signedInAt: times.signedInAt, now: now)))
        }
        if let reason = limits.refusal(signedInAt: times.signedInAt, seenAt: times.seenAt, now: now) {
            return .refused(reason)
        }
        if revocations.end(identity) { return .refused(.sessionRevoked) }
        return .valid(identity)
    }

    /// See ``SessionRevocations/subjects(of:by:providerSession:)``.
    func revocationSubjects(
        of fields: UserAttributes, by provider: String, providerSession: [UInt8]
    ) -> [[UInt8]] {
        revocations.subjects(of: fields, by: provider, providerSession: providerSession)
    }

    /// Why a session with a genuine ticket is not in the store.
    private func absence(of session: SessionReference, now: Double) -> Reason {
        if now - session.ticket.signedInAt >= limits.lifetime { return .sessionExpired }
        if revocations.hasEnded(session) { return .sessionRevoked }
        // It was signed out elsewhere, or idle for too long: the store does not say which.
        return limits.idleTimeout > 0 ? .sessionIdle : .sessionInvalid
    }

    private func names(_ request: borrowing AccessRequest) -> CookieNames {
        request.origin.isSecure ? secureNames : plainNames
    }

    /// The host that a cached session is bound to; empty where the configuration fixes what cookies are bound to.
    private static func host(_ request: borrowing AccessRequest) -> ByteRange {
        let host = request.origin.host
        return request.site.fixedScope == nil && host.upperBound <= request.head.bytes.count ? host : .empty
    }

    /// - Parameter join: joins the chunks of a first value; false when one is missing.
    @inline(__always)
    private func found(
        _ first: ByteRange, _ request: borrowing AccessRequest, host: ByteRange,
        join: (ByteRange, Int, inout [UInt8]) -> Bool
    ) -> Found {
        let bytes = request.head.bytes.span
        let count = SessionCookie.count(first: bytes.extracting(first.range))
        let host = bytes.extracting(host.range)
        let isSecure = request.origin.isSecure
        if count == 1 {
            let text = bytes.extracting(first.range)
            if let known = known.identity(text, host: host, isSecure: isSecure, now: 0) { return .identity(known) }
            if seal.isStored, let scope = request.cookieScope,
                let ticket = reference(
                    text, name: names(request).session, scope, host: host, isSecure: isSecure, now: request.context.now)
            {
                return .ticket(ticket)
            }
            return Found(open(text, request, host: host))
        }
        // The memory is lent, so that it is not copied while it is written to.
        var joined: [UInt8] = []
        swap(&joined, &joinedCookie)
        defer { swap(&joined, &joinedCookie) }
        guard count > 1, join(first, count, &joined) else { return .nothing }
        if let known = known.identity(joined.span, host: host, isSecure: isSecure, now: 0) { return .identity(known) }
        return Found(open(joined.span, request, host: host))
    }

    /// The ticket in a cookie's text, and what to ask the store; nil for anything else.
    private func reference(
        _ text: Span<UInt8>, name: [UInt8], _ scope: CookieScope, host: Span<UInt8>, isSecure: Bool, now: Double
    ) -> SessionReference? {
        guard let (ticket, isOld) = seal.ticket(text, name: name, scope) else { return nil }
        return SessionReference(
            ticket, timeToLive: limits.timeToLive(signedInAt: ticket.signedInAt, now: now),
            renewalInterval: limits.confirmationInterval, text: Array(copying: text), host: Array(copying: host),
            isSecure: isSecure, isOld: isOld)
    }

    private func open(
        _ text: Span<UInt8>, _ request: borrowing AccessRequest, host: Span<UInt8>
    ) -> Identity? {
        guard let scope = request.cookieScope,
            let (sealed, isOld) = seal.session(text, name: names(request).session, scope),
            let state = sealed.current(providers)
        else { return nil }
        let identity = Identity(
            fields: state.fields, provider: state.provider, headerBlock: rendering.block(for: state.fields),
            session: state,
            // Sealed again at once when the secret is an older one, which can then be removed sooner.
            renewalDue: isOld ? 0 : limits.idleTimeout > 0 ? state.seenAt + limits.renewalInterval : .infinity)
        known.keep(identity, text, host: host, isSecure: request.origin.isSecure)
        return identity
    }

    /// Seconds for which a store that did not answer is not asked again.
    private static let pauseAfterFailure: Double = 5
}
