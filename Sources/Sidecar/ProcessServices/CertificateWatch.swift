// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Logging
import Reactor
import Synchronization

/// The files of certificates, keys and authorities, re-read whenever they change. When they cannot be used, or do not fit
/// together, the old certificates stay in force, and the cause is logged.
package final class CertificateWatch: Sendable {
    private let watcher: Mutex<FileWatcher?> = Mutex(nil)
    private let reported: Reported

    /// - Parameters:
    ///   - name: the section of the configuration, for the log.
    ///   - ended: called after each change, with its result.
    ///   - apply: puts new certificates into force, or throws and changes nothing; called on a thread of its own.
    package init<Holder: CertificateHolder>(
        _ holder: Holder, _ name: String, logger: Logger,
        ended: @escaping @Sendable (_ isGood: Bool) -> Void = { _ in },
        apply: @escaping @Sendable (Holder) throws -> Void
    ) {
        let reported = Reported(name, holder.chains)
        self.reported = reported
        guard !holder.files.isEmpty else { return }
        let reread = holder.reread
        let last = Mutex<(fingerprint: [UInt8], problem: String?)>((holder.fingerprint, nil))
        let watcher = FileWatcher(holder.files) {
            let problem: String
            do {
                let fresh = try reread()
                let fingerprint = fresh.fingerprint
                let (isNew, isFixed) = last.withLock { last in
                    defer { if fingerprint == last.fingerprint { last.problem = nil } }
                    return (fingerprint != last.fingerprint, last.problem != nil)
                }
                guard isNew else {
                    if isFixed {
                        reported.changed(to: fresh.chains)
                        ended(true)
                    }
                    return
                }
                try apply(fresh)
                last.withLock { $0 = (fingerprint, nil) }
                reported.changed(to: fresh.chains)
                ended(true)
                var metadata: Logger.Metadata = ["section": "\(name)"]
                if let end = fresh.notAfter { metadata["expires"] = "\(CalendarDate(secondsSince1970: end))" }
                return logger.info("certificates changed", metadata: metadata)
            } catch {
                problem = "\(error)"
            }
            // Each problem is logged once, not at each read.
            let isNew = last.withLock { last in
                defer { last.problem = problem }
                return last.problem != problem
            }
            guard isNew else { return }
            reported.failed(problem)
            ended(false)
            logger.error(
                "certificates not changed: the files cannot be used",
                metadata: ["section": "\(name)", "cause": "\(problem)"])
        }
        self.watcher.withLock { $0 = watcher }
    }

    /// The certificates in force, for operators.
    var reports: [CertificateReport] { reported.current }

    private final class Reported: Sendable {
        private let section: String
        private let reports: Mutex<[CertificateReport]>

        init(_ section: String, _ chains: [CertificateChain]) {
            self.section = section
            reports = Mutex(chains.map { CertificateReport(section: section, $0) })
        }

        var current: [CertificateReport] { reports.withLock { $0 } }

        func changed(to chains: [CertificateChain]) {
            let fresh = chains.map { CertificateReport(section: section, $0) }
            reports.withLock { $0 = fresh }
        }

        func failed(_ problem: String) {
            reports.withLock { reports in
                for index in reports.indices { reports[index].problem = problem }
            }
        }
    }
}

/// A certificate that the gate presents, as operators see it.
package struct CertificateReport: Sendable, Equatable {
    /// Of the configuration.
    package let section: String
    package let names: [String]
    /// Seconds since 1970.
    package let notAfter: Int64
    /// Why files that have changed are not used; nil: none has, or they are.
    package fileprivate(set) var problem: String?

    fileprivate init(section: String, _ chain: CertificateChain) {
        self.section = section
        names = chain.names
        notAfter = chain.notAfter
    }
}
