// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Which server is the primary, as the sentinels say. Confined to its loop.
///
/// What a sentinel says is the address; each connection checks the server's role itself. A connection without a primary asks
/// one sentinel after another, and one whose address led to no primary is asked last next time. Apart from that all are asked
/// whenever something is in doubt, and every ten seconds, so that a message that was lost is made up for. ``PrimaryChoice``
/// decides.
final class SentinelSearch {
    typealias Endpoint = RedisConfiguration.Endpoint
    typealias Completion = (Result<Endpoint, RedisFailure>) -> Void

    private struct Answer {
        let primary: Endpoint
        /// The one that named it; nil: it named another one, which was not adopted.
        let sentinel: Endpoint?
        let time: MonotonicTime
    }

    private let configuration: RedisSentinelConfiguration
    private let loop: EventLoop
    private let resolver: Resolver
    private let report: (RedisSentinelEvent) -> Void
    private let moved: (Endpoint) -> Void
    private var credentials: RedisCredentials
    private var directory: SentinelDirectory
    private var watch: SentinelWatch?
    private var question: SentinelQuestion?
    private var poll: SentinelPoll?
    /// Something happened since the sentinels were asked.
    private var mustPollAgain = false
    /// A connection found no primary at the one in use since the question was asked.
    private var isCurrentDoubted = false
    private var waiting: [Completion] = []
    /// Its primary stays in use while no sentinel answers.
    private var choice = PrimaryChoice()
    /// nil: none yet, or it was of no use.
    private var answer: Answer?
    private var check: LoopTimer?
    private var lateMove: LoopTimer?
    private var lastPoll: MonotonicTime?
    private var isOut = false
    private var isClosed = false

    /// - Parameter moved: called after a failover.
    init(
        _ configuration: RedisSentinelConfiguration, loop: EventLoop, resolver: Resolver,
        report: @escaping (RedisSentinelEvent) -> Void, moved: @escaping (Endpoint) -> Void
    ) {
        self.configuration = configuration
        self.loop = loop
        self.resolver = resolver
        self.report = report
        self.moved = moved
        credentials = configuration.credentials
        directory = SentinelDirectory(configuration.sentinels)
    }

    func start() {
        guard watch == nil, !isClosed else { return }
        check = loop.makeTimer { [weak self] in self?.pollNow() }
        lateMove = loop.makeTimer { [weak self] in
            guard let self else { return }
            act(on: choice.due(at: loop.now))
        }
        let watch = SentinelWatch(
            configuration, credentials: { [weak self] in self?.credentials ?? RedisCredentials() }, loop: loop,
            resolver: resolver,
            SentinelWatch.Events(
                subscribed: { [weak self] in self?.pollSoon() }, lost: { [weak self] in self?.pollSoon() },
                switched: { [weak self] in self?.switched(from: $0, to: $1, by: $2) },
                refused: { [weak self] in self?.report(.refused(sentinel: $0, $1)) }))
        self.watch = watch
        watch.follow(directory.configuredFirst)
        pollSoon()
    }

    func close() {
        isClosed = true
        check?.cancel()
        lateMove?.cancel()
        watch?.close()
        poll?.cancel()
        poll = nil
        question?.cancel()
        question = nil
        complete(.failure(.unreachable("closed")))
    }

    /// Connections made from now on use these credentials.
    func replaceCredentials(_ new: RedisCredentials) { credentials = new }

    /// Calls back with the primary, in bounded time.
    ///
    /// - Parameter failed: where the caller found no primary, or lost it.
    func locate(instead failed: Endpoint?, _ completion: @escaping Completion) {
        guard !isClosed else { return completion(.failure(.unreachable("closed"))) }
        if let failed, let answer, answer.primary == failed {
            if let sentinel = answer.sentinel { directory.doubted(sentinel) }
            self.answer = nil
        }
        if let failed, failed == choice.current { isCurrentDoubted = true }
        // All connections of a process ask at the same time.
        if let answer, loop.now.since(answer.time) < Self.freshness { return completion(.success(answer.primary)) }
        guard waiting.count < Self.maximumWaiting else {
            return completion(.failure(.overloaded))
        }
        waiting.append(completion)
        if question == nil { ask() }
    }

    // MARK: One after another

    private func ask() {
        let question = makeQuestion(
            directory.inOrder,
            SentinelQuestion.Events(
                answered: { [weak self] in self?.answered($0, by: $1) },
                failed: { [weak self] in self?.unanswered($0) },
                learned: { [weak self] in self?.learned($0, from: $1) },
                refused: { [weak self] in self?.report(.refused(sentinel: $0, $1)) }))
        self.question = question
        question.start()
    }

    private func makeQuestion(_ sentinels: [Endpoint], _ events: SentinelQuestion.Events) -> SentinelQuestion {
        SentinelQuestion(
            configuration, sentinels, credentials: { [weak self] in self?.credentials ?? RedisCredentials() },
            loop: loop, resolver: resolver, events)
    }

    private func answered(_ primary: Endpoint, by sentinel: Endpoint) {
        question = nil
        directory.answered(sentinel)
        if choice.current == nil || isCurrentDoubted {
            isCurrentDoubted = false
            act(on: choice.answered([primary], at: loop.now))
        } else if primary != choice.current {
            // The answer of one alone does not move connections that work.
            pollSoon()
        }
        guard let current = choice.current else { return }
        answer = Answer(primary: current, sentinel: primary == current ? sentinel : nil, time: loop.now)
        reached()
        complete(.success(current))
    }

    private func unanswered(_ cause: String) {
        question = nil
        answer = nil
        let current = choice.current
        lost(cause)
        complete(current.map { .success($0) } ?? .failure(.unreachable("no sentinel names the primary (\(cause))")))
    }

    private func complete(_ result: Result<Endpoint, RedisFailure>) {
        let completions = waiting
        waiting = []
        for completion in completions { completion(result) }
    }

    // MARK: All at once

    private func pollSoon() { schedulePoll(at: loop.now) }

    /// At the latest: an earlier check that is due is kept.
    private func schedulePoll(at time: MonotonicTime) {
        guard !isClosed, let check else { return }
        if let poll, !poll.isDecided {
            mustPollAgain = true
            return
        }
        let earliest = lastPoll?.advanced(by: Self.pollPause) ?? time
        check.set(min(max(time, earliest), check.deadline))
    }

    private func pollNow() {
        check?.cancel()
        guard !isClosed else { return }
        if let poll, !poll.isDecided {
            mustPollAgain = true
            return
        }
        // What it could still learn is asked again.
        poll?.cancel()
        mustPollAgain = false
        lastPoll = loop.now
        let sentinels = Array(directory.configuredFirst.prefix(SentinelWatch.maximumSubscriptions))
        let poll = SentinelPoll(
            asking: sentinels.count,
            SentinelPoll.Events(
                decided: { [weak self] in self?.polled($0, $1) },
                learned: { [weak self] in self?.learned($0, from: $1) },
                refused: { [weak self] in self?.report(.refused(sentinel: $0, $1)) }))
        self.poll = poll
        poll.start(sentinels) { makeQuestion([$0], $1) }
    }

    private func polled(_ named: [Endpoint], _ cause: String) {
        // Before the verdict, which may ask for an earlier one.
        schedulePoll(at: loop.now.advanced(by: .milliseconds(UInt64.random(in: Self.pollInterval))))
        if named.isEmpty {
            lost(cause)
        } else {
            act(on: choice.answered(named, at: loop.now))
            reached()
        }
        if mustPollAgain { pollSoon() }
    }

    private func learned(_ others: [Endpoint], from sentinel: Endpoint) {
        directory.learned(others, from: sentinel)
        watch?.follow(directory.configuredFirst)
    }

    private func reached() {
        guard isOut, let current = choice.current else { return }
        isOut = false
        report(.reachable(current))
    }

    private func lost(_ cause: String) {
        guard !isOut else { return }
        isOut = true
        report(.unreachable(cause, last: choice.current))
    }

    // MARK: Verdicts

    private func switched(from old: Endpoint, to primary: Endpoint, by sentinel: Endpoint) {
        act(on: choice.reported(old, to: primary, by: sentinel, at: loop.now))
        if choice.current == primary { answer = Answer(primary: primary, sentinel: sentinel, time: loop.now) }
    }

    private func act(on verdict: PrimaryChoice.Verdict) {
        switch verdict {
        case .keep: break
        case .move(let primary, let previous):
            isCurrentDoubted = false
            answer = nil
            report(.primary(primary, was: previous))
            if previous != nil {
                moved(primary)
                // All of them are to agree in the end.
                schedulePoll(at: loop.now.advanced(by: PrimaryChoice.answerPause))
            }
        case .moveLater(let time): lateMove?.set(time)
        case .ask(let time): schedulePoll(at: time)
        }
    }

    private static let freshness = Nanoseconds.milliseconds(50)
    /// Milliseconds between questions without an occasion.
    private static let pollInterval: ClosedRange<UInt64> = 8_000...12_000
    /// Between questions with one.
    private static let pollPause = Nanoseconds.milliseconds(200)
    /// More than a process has connections.
    private static let maximumWaiting = 4096
}
