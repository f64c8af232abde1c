// SPDX-License-Identifier: Apache-2.0

/// The memory of one form that a page keeps, until the page was sent: first that of the request's content, then that of the
/// page. It is part of a total for the whole process, and returned when nothing refers to it any more.
final class FormMemory {
    private let budget: CollectionBudget
    private var count = 0

    init(_ budget: CollectionBudget = .formsOfThisProcess) {
        self.budget = budget
    }

    /// - Returns: whether there was room for `count` more bytes.
    func take(_ count: Int) -> Bool {
        guard budget.take(count) else { return false }
        self.count += count
        return true
    }

    deinit {
        budget.give(count)
    }
}

extension CollectionBudget {
    static let formsOfThisProcess = CollectionBudget(bytes: 16 << 20)
}
