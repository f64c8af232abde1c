// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Reactor
import Synchronization

/// The files of certificates, keys and authorities, read anew whenever they change. What cannot be used, and what does
/// not fit together, changes nothing: the certificates before it stay in force, and the log says why.
package final class CertificateWatch: Sendable {
    private let watcher: Mutex<FileWatcher?> = Mutex(nil)

    /// - Parameters:
    ///   - name: of the section of the configuration, for the log.
    ///   - told: how it went, after each change.
    ///   - apply: puts new certificates into force, or throws and changes nothing; called on a thread that serves nothing
    ///     else.
    package init<Holder: CertificateHolder>(
        _ holder: Holder, _ name: String, logger: Logger, told: @escaping @Sendable (_ isGood: Bool) -> Void = { _ in },
        apply: @escaping @Sendable (Holder) throws -> Void
    ) {
        guard !holder.files.isEmpty else { return }
        let reread = holder.reread
        let last = Mutex<(fingerprint: [UInt8], problem: String?)>((holder.fingerprint, nil))
        let watcher = FileWatcher(holder.files) {
            let problem: String
            do {
                let fresh = try reread()
                let fingerprint = fresh.fingerprint
                let (isNew, isMended) = last.withLock { last in
                    defer { if fingerprint == last.fingerprint { last.problem = nil } }
                    return (fingerprint != last.fingerprint, last.problem != nil)
                }
                guard isNew else {
                    if isMended { told(true) }
                    return
                }
                try apply(fresh)
                last.withLock { $0 = (fingerprint, nil) }
                told(true)
                var metadata: Logger.Metadata = ["section": "\(name)"]
                if let end = fresh.notAfter { metadata["expires"] = "\(CalendarDate(secondsSince1970: end))" }
                return logger.info("certificates changed", metadata: metadata)
            } catch {
                problem = "\(error)"
            }
            // Each problem once, not at each look.
            let isNew = last.withLock { last in
                defer { last.problem = problem }
                return last.problem != problem
            }
            guard isNew else { return }
            told(false)
            logger.error(
                "certificates not changed: the files cannot be used",
                metadata: ["section": "\(name)", "cause": "\(problem)"])
        }
        self.watcher.withLock { $0 = watcher }
    }
}
