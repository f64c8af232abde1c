// SPDX-License-Identifier: Apache-2.0

import Logging
import Reactor
import Synchronization

/// The file of `access.users.emailsFile`, re-read whenever it changes. When it cannot be read, or has errors, the old list
/// stays in force, and the cause is logged.
package final class ListedEmails: Sendable {
    /// Why a file cannot be used.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package let words: String

        package var description: String { words }

        package init(_ words: String) {
            self.words = words
        }
    }

    private let watcher: Mutex<FileWatcher?> = Mutex(nil)

    /// - Parameters:
    ///   - emails: the list of the start.
    ///   - read: reads the file, on a thread of its own.
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
                    // Byte for byte: the list in force is compared so.
                    let isSame = emails.elementsEqual(last.emails) { $0.utf8.elementsEqual($1.utf8) }
                    let isNew = !isSame || last.problem != nil
                    last = (emails, nil)
                    return isNew
                case .failure(let problem):
                    // Each problem is logged once, not at each read.
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
