// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import Reactor

/// The app's response, on its way to the client.
extension GateExchange {
    func informationalResponse(_ head: inout ResponseHead) {
        adapt(&head)
        guard case .forwardInformational = machine.responseHeadReceived(status: head.status) else { return }
        agreedToContent()
        downstream?.sendInformational(head)
        throttle()
    }

    func responseBegan(
        _ head: inout ResponseHead, _ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool
    ) {
        record.responseStarted(head.status, service.loop.now)
        if head.setsCookies || service.readsResponses { read(&head) }
        if let signOut = passage.signOut {
            if signOut.answer != nil {
                machine.responseReplaced()
                return finish(signOut, head)
            }
            endSession(signOut)
        }
        guard case .forward = machine.responseHeadReceived(status: head.status) else { return }
        if !isEnd, !beginStream(head) { return }
        record.bytesSent += UInt64(content.count)
        downstream?.sendHead(
            head, extra: extraFields(head), content: content, isEnd: isEnd, trailers: trailers, more: more)
        if isEnd { responseEnded() } else { throttle() }
    }

    func responseContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        record.bytesSent += UInt64(content.count)
        downstream?.sendContent(content, isEnd: isEnd, trailers: trailers, more: more)
        if isEnd { responseEnded() } else { throttle() }
    }

    func spliceResponse(from source: Transport, atMost most: Int) -> SpliceOutcome {
        guard let downstream else { return .unavailable }
        let outcome = downstream.spliceContent(from: source, atMost: most)
        guard outcome.taken > 0 else { return outcome }
        record.bytesSent += UInt64(outcome.taken)
        throttle()
        return outcome
    }

    /// Holds the app back while the client is slower.
    private func throttle() {
        if downstream?.isBlocked == true { upstream?.pause() }
    }

    /// Not inlined: most responses need nothing of it.
    @inline(never)
    private func read(_ head: inout ResponseHead) {
        if service.isVerbose { note(head) }
        adapt(&head)
    }

    /// The app sets and ends no cookies with the gate's names, and knows its own address only.
    private func adapt(_ head: inout ResponseHead) {
        if head.setsCookies { removeReservedCookies(&head) }
        if service.forwarding.rewritesRedirects { service.forwarding.rewriteRedirects(in: &head, to: access, app: app) }
    }

    private func removeReservedCookies(_ head: inout ResponseHead) {
        guard let use = service.forwarding.removeOwnCookies(from: &head, endsSession: passage.signOut != nil) else {
            return
        }
        service.pool(of: app).report(use)
    }

    /// Field lines that are added to the app's response.
    private func extraFields(_ head: borrowing ResponseHead) -> [UInt8]? {
        // What deletes cookies is sent in any case.
        var extra = passage.signOut?.cookies ?? renewal(in: head)
        if context.isSecure, !service.strictTransportLine.isEmpty, !head.hasStrictTransport {
            extra = extra.map { $0 + service.strictTransportLine } ?? service.strictTransportLine
        }
        guard !head.hasDate else { return extra }
        // RFC 9110 §6.6.1: a recipient with a clock adds it.
        service.pool(of: app).note(TolerationSet(.missingDate))
        return extra.map { $0 + service.memory.dateLine } ?? service.memory.dateLine
    }

    /// The renewed session cookie, or the one that opens native login, unless others could get it with this response;
    /// a later one carries it then.
    private func renewal(in head: borrowing ResponseHead) -> [UInt8]? {
        guard let renewal = passage.renewal else { return nil }
        if head.isForSharedCaches {
            passage.identity?.renewalNotSent()
            return nil
        }
        return renewal
    }

    /// The response continues for a while, and its session may end before it does. False if it has ended already, and the
    /// response with it.
    private func beginStream(_ head: borrowing ResponseHead) -> Bool {
        returnBudget()
        if head.isEventStream { beginEventStream() }
        // A response that ends the session does not end with it.
        guard passage.signOut == nil, let identity = passage.identity else { return true }
        let gate = service.gate
        if passage.updateCount != service.updateCount, gate.hasEnded(identity, now: service.loop.wallClock) {
            endStream(.sessionRevoked)
            return false
        }
        service.streamBegan(self)
        // Other responses end by themselves; a stream of events need not.
        if hasEventStream, let end = gate.endOfSession(identity) { setTimer(service.monotonic(end)) }
        return true
    }

    // MARK: Tunnels

    func switchProtocols(_ head: inout ResponseHead, of connection: HTTP1Upstream, early: Span<UInt8>) {
        let isWanted =
            forwardsUpgrade && head.agreesToUpgrade(of: request)
            && downstream?.acceptsSwitch(head, of: request) == true
        switch machine.responseHeadReceived(status: 101, wantsUpgrade: isWanted) {
        case .openTunnel: openTunnel(&head, connection, early)
        case .answerBadGateway:
            leaveUpstream()
            connection.abandon()
            failed(.upgradeUnexpected)
            sendUpstreamFailure(502, .malformed)
        case .forward, .forwardInformational:
            break
        }
    }

    private func openTunnel(_ head: inout ResponseHead, _ connection: HTTP1Upstream, _ early: Span<UInt8>) {
        leaveUpstream()
        adapt(&head)
        let appSide = connection.detach()
        record.responseStarted(101, service.loop.now)
        guard let downstream, let client = downstream.switchProtocols(head) else {
            appSide.close()
            return abort()
        }
        let gate = service.gate
        let tunnel = service.makeTunnel(client.transport, appSide, passage.identity)
        let end = passage.identity.flatMap { gate.endOfSession($0) }
        tunnel.start(client, fromApp: early, until: end.map { service.monotonic($0) })
        // The session may have ended since the request was let through.
        if passage.updateCount != service.updateCount, tunnel.hasEnded(gate, now: service.loop.wallClock) {
            tunnel.close()
        }
        machine.aborted()
        self.end()
    }
}
