// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import Synchronization

/// Keeps the registered users of `access.users.emailsFile`, and of each provider's `users.emailsFile`, up to date.
final class ListedEmailService: Sendable {
    private let gates: GateRegistry
    private let logger: Logger
    private let current = Mutex<[ListedEmails]>([])

    init(gates: GateRegistry, logger: Logger) {
        self.gates = gates
        self.logger = logger
    }

    func start(_ settings: Settings) {
        var lists: [(provider: String?, users: UserSettings)] = [(nil, settings.access.users)]
        for provider in settings.providers { lists.append((provider.name, provider.users)) }
        let emails = lists.compactMap { provider, users in
            users.emailsFile.map { path in
                ListedEmails(
                    path, now: users.listedEmails, logger: logger, read: Self.read,
                    apply: { [gates] in gates.replaceListedEmails($0, of: provider) })
            }
        }
        current.withLock { $0 = emails }
    }

    /// Called when the gates have the lists of the new configuration: the files it replaces must not change them.
    func replace(with settings: Settings) { start(settings) }

    func stop() {
        current.withLock { $0 = [] }
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
