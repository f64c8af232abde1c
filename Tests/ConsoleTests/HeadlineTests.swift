// SPDX-License-Identifier: Apache-2.0

import Console
import Decisions
import Testing

@Suite("The headline")
struct HeadlineTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var sentence: String
        var severity: StatusFinding.Severity
        /// Words of the finding.
        var words: [String]
        var change: @Sendable (inout GateStatus) -> Void

        init(
            _ description: String, _ sentence: String, _ severity: StatusFinding.Severity, _ words: [String],
            _ change: @escaping @Sendable (inout GateStatus) -> Void
        ) {
            testDescription = description
            self.sentence = sentence
            self.severity = severity
            self.words = words
            self.change = change
        }
    }

    static let good = "People can sign in and work"
    static let attention = "People can sign in and work, but this needs attention"

    static let cases: [Case] = [
        Case("all is well", good, .note, []) { _ in },
        Case("the app is down", "People cannot work", .failure, ["for 5 min", "nothing listens there", "upstream.url"])
        {
            $0.apps[0] = AppStatus(
                address: "http://a", state: .unreachable(cause: .connectionRefused), since: Samples.now - 300)
        },
        Case("one of two apps is down", "Some people cannot work", .failure, ["http://b"]) {
            $0.apps.append(AppStatus(address: "http://b", state: .unreachable(cause: nil), since: nil))
        },
        Case("keys were never fetched", "Nobody can sign in", .failure, ["staff", "503", "not affected"]) {
            $0.providers[0].sources[1].fetchedAt = nil
            $0.providers[0].sources[1].keys = 0
            $0.providers[0].sources[1].failure = SourceStatus.Failure(time: Samples.now, cause: "503")
        },
        Case("the discovery document was never fetched", "Nobody can sign in", .failure, ["openid-configuration"]) {
            $0.providers[0].sources[0].fetchedAt = nil
        },
        Case("one of two providers fails", "Some people cannot sign in", .failure, ["guests"]) {
            $0.providers.append(ProviderStatus(name: "guests", method: "", fixedKeys: 0, sources: []))
        },
        Case("keys cannot be fetched again", attention, .warning, ["cannot be fetched: 503", "1 min ago"]) {
            $0.providers[0].sources[1].failure = SourceStatus.Failure(time: Samples.now, cause: "503")
            $0.providers[0].sources[1].fetchedAt = Samples.now - 90
        },
        Case("fixed keys need no fetch", good, .note, []) {
            $0.providers = [ProviderStatus(name: "a", method: "", fixedKeys: 1, sources: [])]
        },
        Case("the certificate has ended", "People cannot sign in or work", .failure, ["tls", "ended on"]) {
            $0.certificates[0].notAfter = Samples.now - 1
        },
        Case("a client certificate has ended", "People cannot work", .failure, ["upstream.tls"]) {
            $0.certificates.append(
                CertificateStatus(use: .servers, section: "upstream.tls", names: [], notAfter: Samples.now - 1))
        },
        Case("the console's certificate has ended", attention, .warning, ["admin.tls"]) {
            $0.certificates.append(
                CertificateStatus(use: .operators, section: "admin.tls", names: [], notAfter: Samples.now - 1))
        },
        Case("a certificate ends soon", attention, .warning, ["ends in 6 days"]) {
            $0.certificates[0].notAfter = Samples.now + 6.5 * 86400
        },
        Case("changed certificate files are broken", attention, .warning, ["cannot be used: no key"]) {
            $0.certificates[0].problem = "no key"
        },
        Case("Redis is away and holds tokens", "Nobody can sign in", .failure, ["redis://127.0.0.1:6379"]) {
            $0.store = Samples.store
            $0.store?.isConnected = false
        },
        Case("Redis is away and holds sessions", "People cannot sign in or work", .failure, ["no connection"]) {
            $0.store = Samples.store
            $0.store?.isConnected = false
            $0.store?.holdsSessions = true
        },
        Case("Redis is away, and tokens are accepted without it", attention, .warning, ["not shared"]) {
            $0.store = Samples.store
            $0.store?.isConnected = false
            $0.store?.allowsWithoutStore = true
        },
        Case("Redis is there", good, .note, []) { $0.store = Samples.store },
        Case("no room for used tokens", "Nobody can sign in", .failure, ["replay.maxEntries"]) {
            $0.usedTokens = UsedTokenStatus(entries: 10, capacity: 10, allowsWithoutRoom: false)
        },
        Case("no room, accepted all the same", attention, .warning, ["more than once"]) {
            $0.usedTokens = UsedTokenStatus(entries: 10, capacity: 10, allowsWithoutRoom: true)
        },
        Case("a reload failed", attention, .warning, ["is not in force: line 3", "and 1 more"]) {
            $0.configuration.failed = ConfigurationStatus.FailedReload(
                time: Samples.now - 60, messages: ["line 3", "line 4"])
        },
        Case("a change waits for the next start", attention, .warning, ["listen"]) {
            $0.configuration.lastReload = ConfigurationStatus.Reload(
                time: Samples.now, changes: ["listen"], waiting: ["listen"])
        },
        Case("nobody is refused", good, .note, ["access.mode is observe"]) { $0.observes = true },
        Case("it stops", "This gate is stopping", .note, []) { $0.isStopping = true },
    ]

    @Test("follows from the state", arguments: cases)
    func headline(_ one: Case) {
        var status = Samples.status
        one.change(&status)
        let headline = Headline(status, recent: SignInTotals())
        #expect(headline.sentence == one.sentence)
        #expect(headline.severity == one.severity)
        let text = headline.findings.map { "\($0.problem) \($0.fix)" }.joined(separator: "\n")
        for word in one.words { #expect(text.contains(word), "\(word) in \(text)") }
        if one.words.isEmpty { #expect(headline.findings == []) }
    }

    @Test("many refusals without a sign-in are worth a warning, whatever else is well")
    func refusals() {
        var history = SignInHistory()
        for _ in 0..<5 { history.add(.refused(.audienceMismatch), at: Samples.now - 60) }
        func headline() -> Headline {
            Headline(Samples.status, recent: history.totals(minutes: SignInTotals.recentMinutes, now: Samples.now))
        }
        #expect(headline().severity == .warning)
        #expect(headline().findings.first?.problem.contains("audience_mismatch") == true)
        history.add(.signedIn, at: Samples.now - 30)
        #expect(headline().sentence == Self.good)
    }

    @Test("the worst is first")
    func order() {
        var status = Samples.status
        status.observes = true
        status.certificates[0].notAfter = Samples.now + 86400
        status.apps[0].state = .unreachable(cause: .connectTimeout)
        let severities = Headline(status, recent: SignInTotals()).findings.map(\.severity)
        #expect(severities == [.failure, .warning, .note])
    }
}
