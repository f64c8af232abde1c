// SPDX-License-Identifier: Apache-2.0

import Decisions
import Pages

/// The one sentence that says whether people can sign in and work, and what it follows from.
package struct Headline: Sendable, Equatable {
    package var sentence: String
    package var severity: StatusFinding.Severity
    /// The worst first.
    package var findings: [StatusFinding]

    /// - Parameter recent: sign-ins and refusals of the last minutes.
    package init(_ status: GateStatus, recent: SignInTotals) {
        var found = Self.apps(status) + Self.providers(status) + Self.certificates(status) + Self.store(status)
        found += Self.usedTokens(status) + Self.configuration(status) + Self.refusals(recent) + Self.mode(status)
        // Stable: what belongs together stays together.
        findings = found.enumerated().sorted {
            ($0.element.severity, -$0.offset) > ($1.element.severity, -$1.offset)
        }.map(\.element)
        severity = findings.map(\.severity).max() ?? .note
        let loss = findings.reduce(into: StatusFinding.Loss()) { $0.formUnion($1.loss) }
        sentence = Self.sentence(status, loss, severity)
    }

    private static func sentence(
        _ status: GateStatus, _ loss: StatusFinding.Loss, _ severity: StatusFinding.Severity
    ) -> String {
        if status.isStopping { return "This gate is stopping" }
        let isTotal = status.providers.allSatisfy { !$0.isUsable }
        if loss == [.signIn, .work] { return "People cannot sign in or work" }
        if loss == .work { return status.apps.count > 1 ? "Some people cannot work" : "People cannot work" }
        if loss == .signIn {
            return isTotal || status.providers.count == 1 ? "Nobody can sign in" : "Some people cannot sign in"
        }
        return severity == .warning ? "People can sign in and work, but this needs attention" : allGood
    }

    static let allGood = "People can sign in and work"

    private static func apps(_ status: GateStatus) -> [StatusFinding] {
        status.apps.compactMap { app in
            guard case .unreachable(let cause) = app.state else { return nil }
            let since = app.since.map { " for \(TimeText.length(status.now - $0))" } ?? ""
            let because = cause.map { ": \(CauseText.of($0).happened)" } ?? ""
            return .failure(
                .work, "The app at \(app.address) cannot be reached\(since)\(because).",
                cause.map { CauseText.of($0).fix } ?? "See that the app runs, and that this machine can reach it.")
        }
    }

    private static func providers(_ status: GateStatus) -> [StatusFinding] {
        status.providers.flatMap { provider -> [StatusFinding] in
            let failing = provider.sources.filter { $0.failure != nil }
            if !provider.isUsable {
                let cause = failing.first?.failure?.cause ?? "it was not fetched yet"
                let url = failing.first?.url ?? provider.sources.first?.url ?? ""
                return [
                    .failure(
                        .signIn, "Nobody can sign in at \(provider.name): \(url) was not fetched (\(cause)).",
                        "See that this machine can reach that address (sidegate doctor). People who are signed in are not affected."
                    )
                ]
            }
            return failing.map { source in
                return .warning(
                    "\(source.url) cannot be fetched: \(source.failure?.cause ?? "")."
                        + (source.fetchedAt.map {
                            " The last fetch that succeeded was \(TimeText.agoWords($0, now: status.now))."
                        } ?? ""),

                    "The keys that are known stay in force. When \(provider.name) changes its keys, sign-ins will fail until it can be fetched."
                )
            }
        }
    }

    private static func certificates(_ status: GateStatus) -> [StatusFinding] {
        status.certificates.sorted { $0.notAfter < $1.notAfter }.flatMap { certificate -> [StatusFinding] in
            var found: [StatusFinding] = []
            let days = certificate.daysLeft(status.now)
            let what = "The certificate of \(certificate.section)\(certificate.nameWords)"
            let renew = "Replace its files: they are read again by themselves."
            if days < 0 {
                let loss: StatusFinding.Loss =
                    switch certificate.use {
                    case .browsers: [.signIn, .work]
                    case .servers: .work
                    case .operators: []
                    }
                let problem = "\(what) ended on \(TimeText.day(certificate.notAfter))."
                found.append(loss.isEmpty ? .warning(problem, renew) : .failure(loss, problem, renew))
            } else if days < Self.certificateDays {
                let left = days < 1 ? "today" : "in \(CountText.of(Int(days), "day"))"
                found.append(.warning("\(what) ends \(left).", renew))
            }
            if let problem = certificate.problem {
                found.append(
                    .warning(
                        "The files of \(certificate.section) have changed and cannot be used: \(problem).",
                        "The certificate before stays in force. Correct the files: they are read again by themselves."))
            }
            return found
        }
    }

    private static func store(_ status: GateStatus) -> [StatusFinding] {
        guard let store = status.store, !store.isConnected else { return [] }
        let since = store.since.map { " for \(TimeText.length(status.now - $0))" } ?? ""
        let problem = "There is no connection to Redis at \(store.address)\(since)."
        let fix = "See that Redis runs and that this machine can reach it (sidegate doctor)."
        if store.holdsSessions { return [.failure([.signIn, .work], problem, fix)] }
        if store.holdsTokens, !store.allowsWithoutStore { return [.failure(.signIn, problem, fix)] }
        return [.warning(problem + " Used tokens and logouts are not shared with other replicas.", fix)]
    }

    private static func usedTokens(_ status: GateStatus) -> [StatusFinding] {
        guard let memory = status.usedTokens, memory.isFull else { return [] }
        let fix = "Raise replay.maxEntries, shorten the time for which tokens are valid, or set replay.store to redis."
        let problem = "The memory of used tokens is full (\(CountText.grouped(memory.capacity)) entries)"
        return memory.allowsWithoutRoom
            ? [.warning(problem + ": tokens can be used more than once.", fix)]
            : [.failure(.signIn, problem + ": sign-ins are refused.", fix)]
    }

    private static func configuration(_ status: GateStatus) -> [StatusFinding] {
        var found: [StatusFinding] = []
        if let failed = status.configuration.failed {
            found.append(
                .warning(
                    "The configuration was changed \(TimeText.agoWords(failed.time, now: status.now)) and is not in force: "
                        + (failed.messages.first ?? "it has errors")
                        + (failed.messages.count > 1 ? " (and \(failed.messages.count - 1) more)" : ""),
                    "The one before stays in force. Correct the file (sidegate check): it is read again by itself."))
        }
        if let reload = status.configuration.lastReload, !reload.waiting.isEmpty {
            found.append(
                .warning(
                    "Changed options wait for the next start: \(reload.waiting.joined(separator: ", ")).",
                    "Restart the gate when it suits."))
        }
        return found
    }

    /// Many refusals and not one sign-in: something is wrong that no other state shows.
    private static func refusals(_ recent: SignInTotals) -> [StatusFinding] {
        guard recent.signIns == 0, recent.refusals >= Self.suspiciousRefusals, let worst = recent.byReason.first else {
            return []
        }
        let text = worst.reason.text
        return [
            .warning(
                "In the last \(SignInTotals.recentMinutes) minutes \(CountText.of(recent.refusals, "sign-in or request", "sign-ins and requests")) "
                    + "\(recent.refusals == 1 ? "was" : "were") refused, and nobody signed in. Most frequent: "
                    + "\(text?.title ?? worst.reason.rawValue) (\(worst.reason.rawValue)).",
                text?.fix ?? "Look at the audit trail.")
        ]
    }

    private static func mode(_ status: GateStatus) -> [StatusFinding] {
        guard status.observes else { return [] }
        return [
            .note(
                "Nobody is refused: access.mode is observe.",
                "Set access.mode to enforce when the log shows no refusals that surprise.")
        ]
    }

    /// Fewer days than these left are worth a warning.
    static let certificateDays = 21.0
    private static let suspiciousRefusals = 5
}

extension CertificateStatus {
    /// Days until it ends; negative: it has.
    package func daysLeft(_ now: Double) -> Double { ((notAfter - now) / 86400).rounded(.down) }

    fileprivate var nameWords: String {
        guard let first = names.first else { return "" }
        return " (\(first)\(names.count > 1 ? " and \(names.count - 1) more" : ""))"
    }
}
