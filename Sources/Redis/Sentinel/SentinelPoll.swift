// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Asks several sentinels at the same time which server is the primary. Confined to its loop.
final class SentinelPoll {
    typealias Endpoint = RedisConfiguration.Endpoint

    /// Each is called on the loop, and none after ``cancel()``.
    struct Events {
        /// What those name that answered, or nothing and the cause of the last one; called once, as soon as more than half
        /// of those asked agree, or all have answered or failed.
        var decided: (_ named: [Endpoint], _ cause: String) -> Void
        var learned: (_ others: [Endpoint], _ sentinel: Endpoint) -> Void
        var refused: (_ sentinel: Endpoint, String) -> Void
    }

    private let events: Events
    private let asked: Int
    private var questions: [SentinelQuestion] = []
    private var named: [Endpoint] = []
    private var failures = 0
    private var cause = "none is known"
    private(set) var isDecided = false

    init(asking count: Int, _ events: Events) {
        asked = count
        self.events = events
    }

    /// - Parameter question: makes the question to one sentinel.
    func start(_ sentinels: [Endpoint], _ question: (Endpoint, SentinelQuestion.Events) -> SentinelQuestion) {
        questions = sentinels.map { sentinel in
            question(
                sentinel,
                SentinelQuestion.Events(
                    answered: { [weak self] primary, _ in self?.answered(primary) },
                    failed: { [weak self] in self?.failed($0) },
                    learned: { [weak self] in self?.events.learned($0, $1) },
                    refused: { [weak self] in self?.events.refused($0, $1) }))
        }
        for question in questions { question.start() }
        decide()
    }

    func cancel() {
        isDecided = true
        for question in questions { question.cancel() }
        questions = []
    }

    private func answered(_ primary: Endpoint) {
        named.append(primary)
        decide()
    }

    private func failed(_ cause: String) {
        failures += 1
        self.cause = cause
        decide()
    }

    private func decide() {
        guard !isDecided else { return }
        let most = named.map { primary in named.count { $0 == primary } }.max() ?? 0
        guard most > asked / 2 || named.count + failures >= asked else { return }
        isDecided = true
        events.decided(named, cause)
    }
}
