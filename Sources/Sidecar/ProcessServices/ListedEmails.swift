// SPDX-License-Identifier: Apache-2.0

import Logging
import Reactor
import Synchronization

/// The file of `access.users.emailsFile`, read anew whenever it changes. One that cannot be read, or is wrong, changes
/// nothing: the list before it stays in force, and the log says why.
package final class ListedEmails: Sendable {
    /// Why a file is not taken, in words.
    package struct Problem: Error, Equatable {
        package let words: String

        package init(_ words: String) {
            self.words = words
        }
    }

    private let watcher: Mutex<FileWatcher?> = Mutex(nil)

    /// - Parameters:
    ///   - emails: what was read at the start.
    ///   - read: reads the file, on a thread that serves nothing else.
    ///   - apply: puts a list into force.
    package init(
        _ path: String, now emails: [String], logger: Logger,
        read: @escaping @Sendable (String) -> Result<[String], Problem>,
        apply: @escaping @Sendable ([String]) -> Void
    ) {
        let last = Mutex<(emails: [String], problem: Problem?)>((emails, nil))
        let watcher = FileWatcher([path]) {
            let result = read(path)
            let isNew = last.withLock { last in
                switch result {
                case .success(let emails):
                    let isNew = emails != last.emails || last.problem != nil
                    last = (emails, nil)
                    return isNew
                case .failure(let problem):
                    // Each problem once, not at each look.
                    let isNew = problem != last.problem
                    last.problem = problem
                    return isNew
                }
            }
            guard isNew else { return }
            switch result {
            case .success(let emails):
                apply(emails)
                logger.info(
                    "registered users changed", metadata: ["file": "\(path)", "addresses": "\(emails.count)"])
            case .failure(let problem):
                logger.error(
                    "registered users not changed: the file cannot be used",
                    metadata: ["file": "\(path)", "cause": "\(problem.words)"])
            }
        }
        self.watcher.withLock { $0 = watcher }
    }
}
