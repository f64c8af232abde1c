// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Synchronization

/// Keeps the registered users of `access.users.emailsFile` up to date.
final class ListedEmailService: Sendable {
    private let gates: GateRegistry
    private let logger: Logger
    private let current = Mutex<ListedEmails?>(nil)

    init(gates: GateRegistry, logger: Logger) {
        self.gates = gates
        self.logger = logger
    }

    func start(_ access: AccessSettings) {
        let emails = access.emailsFile.map { path in
            ListedEmails(
                path, now: access.listedEmails, logger: logger, read: Self.read,
                apply: { [gates] in gates.replaceListedEmails($0) })
        }
        current.withLock { $0 = emails }
    }

    /// Called when the gates have the list of the new configuration: the file it replaces must not change it.
    func replace(with access: AccessSettings) { start(access) }

    func stop() {
        current.withLock { $0 = nil }
    }

    @Sendable
    private static func read(_ path: String) -> Result<[String], ListedEmails.Problem> {
        do {
            let list = try EmailList.read(path)
            guard let problem = list.problems.first else { return .success(list.emails) }
            return .failure(ListedEmails.Problem("line \(problem.line): \(problem.message)"))
        } catch {
            return .failure(ListedEmails.Problem(error.message))
        }
    }
}
