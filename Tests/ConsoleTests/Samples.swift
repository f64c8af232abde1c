// SPDX-License-Identifier: Apache-2.0

import Console
import Decisions

/// A gate to be shown.
enum Samples {
    static let now = 1_796_115_600.0

    static var status: GateStatus {
        var status = GateStatus(
            now: now, name: "https://app.example.com", version: "1.2.3", startedAt: now - 7300, workers: 2)
        status.apps = [AppStatus(address: "http://127.0.0.1:3000", state: .reachable, since: now - 600)]
        status.providers = [
            ProviderStatus(name: "staff", method: "OpenID Connect", fixedKeys: 0, sources: [discovery, keys])
        ]
        status.certificates = [
            CertificateStatus(use: .browsers, section: "tls", names: ["app.example.com"], notAfter: now + 90 * 86400)
        ]
        status.configuration.file = "/etc/sidegate/sidegate.yaml"
        status.configuration.inForceSince = now - 7300
        return status
    }

    static var discovery: SourceStatus {
        SourceStatus(
            kind: .discovery, url: "https://idp.example.com/.well-known/openid-configuration", fetchedAt: now - 60,
            failure: nil, nextFetch: now + 500)
    }

    static var keys: SourceStatus {
        SourceStatus(
            kind: .keys, url: "https://idp.example.com/keys", fetchedAt: now - 60, keys: 2, failure: nil,
            nextFetch: now + 500)
    }

    static var store: StoreStatus {
        StoreStatus(
            address: "redis://127.0.0.1:6379", isConnected: true, since: now - 100, lastLost: nil, holdsTokens: true,
            allowsWithoutStore: false, holdsSessions: false)
    }

    /// - Parameter text: in the place of everything that comes from outside.
    static func facts(
        _ status: GateStatus = status, events: [TrailEvent] = [], text: String = "ada@example.com"
    ) -> ConsoleFacts {
        var (trail, signIns, traffic) = (TrailRing(), SignInHistory(), TrafficHistory())
        signIns.add(.signedIn, at: now - 60)
        for reason in [Reason.expired, .expired, .groupMissing, .replayed, .keyNotFound, .tooOld, .idMissing] {
            signIns.add(.refused(reason), at: now - 120)
        }
        let all = events.isEmpty ? [refusal(text), signIn(text)] : events
        for event in all { trail.add(event) }
        traffic.add(TrafficSample(time: now - 120, requests: 10, errors: 0, durations: [10, 0, 0]))
        traffic.add(TrafficSample(time: now - 60, requests: 30, errors: 2, durations: [20, 10, 0]))
        return ConsoleFacts(
            status: status, signIns: signIns, traffic: traffic,
            sample: TrafficSample(time: now, requests: 60, errors: 3, durations: [30, 25, 5]), bounds: [0.01, 0.1],
            trail: trail, feedPosition: "epoch-2")
    }

    static func refusal(_ text: String, at time: Double = now - 30) -> TrailEvent {
        TrailEvent(
            time: time, kind: .refused, event: "denied", user: text, provider: text, reason: .groupMissing,
            detail: text, client: text, host: text, requestID: text)
    }

    static func signIn(_ text: String, at time: Double = now - 90) -> TrailEvent {
        TrailEvent(
            time: time, kind: .good, event: "login", user: text, provider: text, client: text, host: text,
            requestID: text)
    }

    static func session(_ text: String) -> SessionRow {
        SessionRow(
            id: text, user: text, provider: text, since: now - 600, lastSeen: now - 5, client: text, browser: text)
    }

    static let visitor = ConsoleVisitor(formToken: "form-token", canSignOut: true)

    /// Every page, with `text` in the place of everything that comes from outside.
    static func pages(_ text: String = "ada@example.com") -> [(name: String, html: String)] {
        var status = status
        status.name = text
        status.version = text
        status.apps = [
            AppStatus(address: text, state: .unreachable(cause: .connectionRefused), since: now - 5),
            AppStatus(address: text, state: .unknown, since: nil),
        ]
        var broken = keys
        broken.url = text
        broken.failure = SourceStatus.Failure(time: now - 5, cause: text)
        status.providers = [
            ProviderStatus(name: text, method: text, fixedKeys: 1, sources: [discovery, broken]),
            ProviderStatus(name: text, method: text, fixedKeys: 0, sources: []),
        ]
        status.certificates = [
            CertificateStatus(use: .browsers, section: text, names: [text, text], notAfter: now - 5, problem: text),
            CertificateStatus(use: .servers, section: text, names: [text], notAfter: now + 86400, problem: nil),
        ]
        status.store = store
        status.store?.address = text
        status.store?.isConnected = false
        status.usedTokens = UsedTokenStatus(entries: 5, capacity: 5, allowsWithoutRoom: false)
        status.configuration.file = text
        status.configuration.failed = ConfigurationStatus.FailedReload(time: now - 5, messages: [text, text])
        status.configuration.lastReload = ConfigurationStatus.Reload(time: now - 9, changes: [text], waiting: [text])
        let facts = facts(status, events: [refusal(text), signIn(text), refusal("")])
        let list = ListedSessions(rows: [session(text)], total: 180, offset: 50, note: text)
        let none = ListedSessions(rows: [], total: 0, offset: 0)
        let all: [(String, HTML)] = [
            ("overview", OverviewPage(facts, visitor, sessions: 3).html),
            ("quiet overview", OverviewPage(self.facts(), visitor, sessions: nil).html),
            ("sessions", SessionsPage(facts, visitor, list, query: text, said: text).html),
            ("no sessions", SessionsPage(facts, visitor, none, query: "").html),
            ("people", PeoplePage(facts, visitor, query: text, sessions: list, said: text).html),
            ("unknown person", PeoplePage(facts, visitor, query: "nobody <b>", sessions: none).html),
            ("people without a search", PeoplePage(facts, visitor, query: "", sessions: none).html),
            ("end one", EndSessionsPage(facts, visitor, .session(session(text)), note: text).html),
            ("end all", EndSessionsPage(facts, visitor, .user(text, provider: text, sessions: 0), note: text).html),
            ("audit trail", AuditPage(facts, visitor).html),
            ("off", DoorPage.off.html), ("sign-in", DoorPage.signIn(problem: "").html),
            ("sign-in again", DoorPage.signIn(problem: text).html),
            ("refused", DoorPage.refused(title: text, message: text).html),
        ]
        return all.map { ($0.0, String(decoding: $0.1.bytes, as: UTF8.self)) }
    }
}
