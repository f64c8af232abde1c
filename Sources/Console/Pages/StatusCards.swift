// SPDX-License-Identifier: Apache-2.0

import Decisions

/// What the headline follows from, a card for each part.
struct StatusCards {
    var status: GateStatus

    private var now: Double { status.now }

    /// The providers need much room.
    private var isTall: Bool { status.providers.reduce(0) { $0 + 1 + $1.sources.count } > 2 }

    var html: HTML {
        """
        <div class="states">\(apps)\(providers)\(certificates)\(store)\(configuration)</div>
        """
    }

    /// - Parameter shape: a class: `tall` or `broad`, where there are columns.
    private func card(_ title: String, _ pill: HTML, shape: StaticString = "", _ content: HTML) -> HTML {
        """
        <div class="card \(shape.description)"><div class="card-head"><h3>\(title)</h3>\(pill)</div>\(content)</div>

        """
    }

    private func list(_ items: [HTML]) -> HTML {
        "<ul class=\"items\">\(items.map { item -> HTML in "<li>\(item)</li>" })</ul>"
    }

    private static func fact(_ name: String, _ value: HTML) -> HTML { "<dt>\(name)</dt><dd>\(value)</dd>" }

    // MARK: Apps

    private var apps: HTML {
        let down = status.apps.contains { if case .unreachable = $0.state { true } else { false } }
        let unknown = status.apps.allSatisfy { $0.state == .unknown }
        let pill =
            down
            ? Marks.pill(.failure, "Not reachable")
            : unknown ? Marks.pill(nil, "Not known yet") : Marks.pill(.note, "Reachable")
        return card(status.apps.count == 1 ? "App" : "Apps", pill, list(status.apps.map(app)))
    }

    private func app(_ app: AppStatus) -> HTML {
        let words: String =
            switch app.state {
            case .reachable: "reachable"
            case .unreachable(let cause):
                "not reachable" + (cause.map { ": \(CauseText.of($0).happened) (\($0.rawValue))" } ?? "")
            case .unknown: "not known yet"
            }
        return """
            <strong>\(app.address)</strong><p class="soft">\(words)\(HTML.unwrap(app.since) { ", for \(TimeText.length(now - $0))" })</p>
            """
    }

    // MARK: Providers

    private var providers: HTML {
        let severity = status.providers.map(severity).max() ?? .note
        let words =
            switch severity {
            case .failure: "Sign-in fails"
            case .warning: "Keys not current"
            case .note: "Keys known"
            }
        return card(
            status.providers.count == 1 ? "Identity provider" : "Identity providers", Marks.pill(severity, words),
            shape: isTall ? "tall" : "",
            list(status.providers.map(provider)))
    }

    private func severity(_ provider: ProviderStatus) -> StatusFinding.Severity {
        if !provider.isUsable { return .failure }
        return provider.sources.contains { $0.failure != nil } ? .warning : .note
    }

    private func provider(_ provider: ProviderStatus) -> HTML {
        let fixed: HTML = HTML.when(
            provider.fixedKeys > 0,
            Self.fact("Keys", "\(CountText.of(provider.fixedKeys, "key")) of the configuration"))
        return """
            <strong>\(provider.name)</strong> <span class="soft">\(provider.method)</span>
            <dl class="facts">\(fixed)\(provider.sources.map(source))</dl>
            """
    }

    private func source(_ source: SourceStatus) -> HTML {
        let fetched: HTML =
            source.fetchedAt.map { "fetched \(TimeText.ago($0, now: now))" } ?? "never fetched"
        let keys = source.kind == .keys ? "\(CountText.of(source.keys, "key")), " : ""
        let next: HTML = HTML.unwrap(source.nextFetch) { time -> HTML in
            "; next fetch in \(TimeText.length(max(0, time - now)))"
        }
        let failure: HTML = HTML.unwrap(source.failure) { failure -> HTML in
            Self.fact("Last failure", "\(failure.cause) (\(TimeText.ago(failure.time, now: now)))")
        }
        return """
            \(Self.fact(source.kind == .keys ? "Key set" : "Discovery", "\(keys)\(fetched)\(next) <span class=\"why\">\(source.url)</span>"))\(failure)
            """
    }

    // MARK: Certificates

    private var certificates: HTML {
        let sorted = status.certificates.sorted { $0.notAfter < $1.notAfter }
        guard let next = sorted.first else {
            return card("Certificates", Marks.pill(nil, "None"), "<p class=\"soft\">Plain HTTP on every address.</p>")
        }
        let days = next.daysLeft(now)
        let severity: StatusFinding.Severity =
            days < 0
            ? .failure
            : days < Headline.certificateDays || sorted.contains { $0.problem != nil } ? .warning : .note
        let words = days < 0 ? "Ended" : "Next ends in \(CountText.of(Int(days), "day"))"
        return card("Certificates", Marks.pill(severity, words), list(sorted.map(certificate)))
    }

    private func certificate(_ certificate: CertificateStatus) -> HTML {
        let days = certificate.daysLeft(now)
        let use =
            switch certificate.use {
            case .browsers: "shown to browsers"
            case .servers: "shown as a client"
            case .operators: "of the console"
            }
        let left = days < 0 ? "ended" : "\(CountText.of(Int(days), "day")) left"
        let problem: HTML = HTML.unwrap(certificate.problem) { "<p>Changed files not used: \($0)</p>" }
        return """
            <strong>\(certificate.section)</strong> <span class="soft">\(use)</span>
            <p>Ends <time datetime="\(TimeText.day(certificate.notAfter))">\(TimeText.day(certificate.notAfter))</time>, \(left)</p>
            <p class="soft small">\(certificate.names.joined(separator: ", "))</p>\(problem)
            """
    }

    // MARK: Replica store and used tokens

    private var store: HTML {
        let memory: HTML = HTML.unwrap(status.usedTokens) { memory -> HTML in
            Self.fact(
                "Used tokens",
                "\(CountText.grouped(memory.entries)) of \(CountText.grouped(memory.capacity)) remembered")
        }
        guard let store = status.store else {
            return card(
                "Replicas", Marks.pill(nil, "Not shared"),
                "<p class=\"soft\">This gate shares nothing with others.</p><dl class=\"facts\">\(memory)</dl>")
        }
        let pill =
            store.isConnected
            ? Marks.pill(.note, "Connected")
            : Marks.pill(store.holdsSessions || !store.allowsWithoutStore ? .failure : .warning, "No connection")
        let holds = [store.holdsTokens ? "used tokens" : nil, store.holdsSessions ? "sessions" : nil, "logouts"]
            .compactMap { $0 }.joined(separator: ", ")
        let lost: HTML = HTML.unwrap(store.lastLost) { Self.fact("Last lost", TimeText.ago($0, now: now)) }
        let since: HTML = HTML.unwrap(store.since) {
            Self.fact(store.isConnected ? "Connected" : "Lost", TimeText.ago($0, now: now))
        }
        return card(
            "Replica store", pill,
            "<strong>\(store.address)</strong><dl class=\"facts\">\(since)\(lost)\(Self.fact("Holds", "\(holds)"))\(memory)</dl>"
        )
    }

    // MARK: Configuration

    private var configuration: HTML {
        let state = status.configuration
        let pill =
            state.failed != nil
            ? Marks.pill(.warning, "Newer one has errors")
            : state.lastReload.map { $0.waiting.isEmpty } == false
                ? Marks.pill(.warning, "Restart needed") : Marks.pill(.note, "In force")
        let failed: HTML = HTML.unwrap(state.failed) { failed -> HTML in
            """
            <div><p><strong>Last reload failed</strong> \(TimeText.ago(failed.time, now: now))</p><ul>\(failed.messages.prefix(8).map { message -> HTML in
                "<li>\(message)</li>"
            })</ul></div>
            """
        }
        let since: HTML = state.inForceSince.map { TimeText.ago($0, now: now) } ?? "the start"
        let file = state.file ?? "environment and command line"
        return card(
            "Configuration", pill, shape: isTall ? "" : "broad",
            "<strong>\(file)</strong>\(failed)<dl class=\"facts\">\(Self.fact("In force since", since))</dl>\(reload)")
    }

    private var reload: HTML {
        guard let reload = status.configuration.lastReload else {
            return "<p class=\"soft\">Not reloaded since the start.</p>"
        }
        let names: HTML =
            reload.changes.isEmpty
            ? "<p class=\"soft\">No option was changed.</p>"
            : "<ul class=\"names\">\(reload.changes.prefix(40).map { name -> HTML in "<li><code>\(name)</code></li>" })</ul>"
        let more: HTML = HTML.when(
            reload.changes.count > 40, "<p class=\"soft\">and \(reload.changes.count - 40) more</p>")
        let waiting: HTML = HTML.when(
            !reload.waiting.isEmpty,
            "<p>At the next start only: \(reload.waiting.joined(separator: ", "))</p>")
        return """
            <p>The last reload (\(TimeText.ago(reload.time, now: now))) changed:</p>\(names)\(more)\(waiting)
            """
    }
}
