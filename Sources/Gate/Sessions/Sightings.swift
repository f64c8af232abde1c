// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Collects which sessions of one loop were used, until somebody takes them.
///
/// A request pays nothing for it: the time at which a session is reported again is part of the comparison by which its cookie
/// is renewed (``Identity/attentionDue``).
final class Sightings {
    private let naming: SessionNaming
    private let revocations: SessionRevocations
    private var pending: [SessionSighting] = []
    /// Called when there is something to take, after there was nothing; nil: nobody wants to know.
    private var observer: (() -> Void)?

    init(_ naming: SessionNaming, _ revocations: SessionRevocations) {
        self.naming = naming
        self.revocations = revocations
    }

    func observe(_ observer: (() -> Void)?) {
        self.observer = observer
    }

    func take() -> [SessionSighting] {
        defer { pending = [] }
        return pending
    }

    /// A request came with the session.
    func note(_ identity: Identity, _ request: borrowing AccessRequest) {
        let now = request.context.now
        identity.sightingDue = now + Self.interval
        guard observer != nil else { return }
        var agent = ByteRange.empty
        for field in request.head.fields where field.known == .userAgent { agent = field.value }
        let bytes = request.head.bytes.span
        let text = agent.upperBound <= bytes.count ? Array(copying: bytes.extracting(agent.range)) : []
        note(
            identity, now: now, client: request.client?.description ?? "",
            browser: BrowserName(userAgent: text).description)
    }

    /// The session has something open, such as a WebSocket, that needs no requests.
    func noteOpen(_ identity: Identity, now: Double) {
        guard observer != nil else { return }
        note(identity, now: now, client: nil, browser: nil)
    }

    private func note(_ identity: Identity, now: Double, client: String?, browser: String?) {
        guard let session = identity.session, pending.count < Self.capacity else { return }
        pending.append(
            SessionSighting(
                name: naming.name(of: session.id), id: session.id, user: session.fields.user,
                provider: session.provider, signedInAt: session.signedInAt, seenAt: now, client: client,
                browser: browser,
                subjects: [Revocation.subject(session: session.id)] + revocations.subjects(of: session)))
        if pending.count == 1 { observer?() }
    }

    /// Seconds between two reports of one session by one loop.
    static let interval = 60.0
    /// Taken several times a second; what exceeds this is reported with a later request.
    private static let capacity = 8192
}
