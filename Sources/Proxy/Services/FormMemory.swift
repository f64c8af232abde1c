// SPDX-License-Identifier: Apache-2.0

/// The memory of one form that a page keeps, until the page was sent: first that of the request's content, then that of the
/// page. It is part of the ``FormBudget``, and returned when nothing refers to it any more.
final class FormMemory {
    private let budget: FormBudget
    private let client: ClientNetwork
    private var count = 0

    init(of client: ClientNetwork, _ budget: FormBudget = .ofThisProcess) {
        self.client = client
        self.budget = budget
    }

    /// - Returns: whether there was room for `count` more bytes.
    func take(_ count: Int) -> Bool {
        guard budget.take(count, for: client) else { return false }
        self.count += count
        return true
    }

    deinit {
        budget.give(count, by: client)
    }
}
