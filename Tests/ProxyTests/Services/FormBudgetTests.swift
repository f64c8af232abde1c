// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@testable import Proxy

@Suite("The memory for kept forms")
struct FormBudgetTests {
    private let ada = ClientNetwork(IPAddress(v4: 0xcb00_7101))
    private let bob = ClientNetwork(IPAddress(v4: 0xcb00_7102))
    private let eve = ClientNetwork(IPAddress(v4: 0xcb00_7103))

    @Test("is bounded, and one client gets half of it")
    func shares() {
        let budget = FormBudget(bytes: 100)
        #expect(budget.take(50, for: eve))
        #expect(!budget.take(1, for: eve))
        #expect(budget.take(40, for: ada))
        #expect(!budget.take(11, for: bob))
        #expect(budget.take(10, for: bob))
        #expect(!budget.take(1, for: ada))
        budget.give(50, by: eve)
        #expect(budget.take(10, for: ada))
        #expect(!budget.take(1, for: ada))
    }

    @Test("is returned with the form")
    func returned() {
        let budget = FormBudget(bytes: 100)
        do {
            let memory = FormMemory(of: eve, budget)
            #expect(memory.take(30) && memory.take(20) && !memory.take(1))
        }
        #expect(budget.take(50, for: eve))
    }
}
