// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Sidecar
import YAML

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks whether a gate with this configuration would work.",
        discussion: """
            Checks the configuration as `check` does, then connects to the app, the identity provider (and compares its \
            clock), key sets, Redis, the provisioning host and the collector of traces, from the machine on which it runs, \
            looks at `state.directory`, and asks the kernel whether others can reach the app past the gate. It sends GET \
            requests without cookies: to the root of the app, to the login and logout URLs, and to key sets; and to the \
            collector a request without spans. It changes nothing. The exit status is 0 when nothing failed, with or without \
            warnings, else 1.
            """)

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var serving: ServingOptions

    func run() throws {
        let loaded = source.load(purpose: .serve, options: serving.overrides)
        guard let settings = loaded.settings else {
            for finding in loaded.findings { StandardError.write(finding.description) }
            let count = loaded.findings.count { $0.severity == .error }
            let report = DoctorReport([
                DoctorFinding(
                    .failed, "configuration", "\(loaded.file ?? "no file"): \(count) error\(count == 1 ? "" : "s")",
                    fix: "correct the errors on standard error; the other checks did not run")
            ])
            StandardOutput.write(report.text)
            throw ExitStatus.badConfiguration
        }
        let report = DoctorReport(
            OfflineChecks(settings, loaded).findings
                + Doctor(settings, blanks: Set(loaded.blanks.map(\.path))).examine())
        StandardOutput.write(report.text)
        if report.hasFailures { throw ExitStatus.badConfiguration }
    }
}

/// The findings as a table.
struct DoctorReport {
    private let findings: [DoctorFinding]

    init(_ findings: [DoctorFinding]) { self.findings = findings }

    var hasFailures: Bool { findings.contains { $0.outcome == .failed } }

    var text: String {
        let width = findings.map(\.subject.count).max() ?? 0
        var text = ""
        for finding in findings {
            let outcome = Self.padded(finding.outcome.rawValue, to: 7)
            text += "\(outcome)  \(Self.padded(finding.subject, to: width))  \(PrintableText.escaped(finding.detail))\n"
            if !finding.fix.isEmpty {
                text += Self.padded("", to: 7 + 2 + width + 2) + "fix: \(PrintableText.escaped(finding.fix))\n"
            }
        }
        func count(_ outcome: DoctorFinding.Outcome) -> Int { findings.count { $0.outcome == outcome } }
        let warnings = count(.warning)
        return text + "\(count(.ok)) ok, \(warnings) warning\(warnings == 1 ? "" : "s"), \(count(.failed)) failed\n"
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: Swift.max(0, width - text.count))
    }
}
