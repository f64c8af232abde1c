// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Which server is the primary, as the sentinels say. Confined to its loop.
///
/// What a sentinel says is the address; each connection checks the server's role itself. A sentinel whose address led to no
/// primary is asked last next time.
final class SentinelSearch {
    typealias Endpoint = RedisConfiguration.Endpoint
    typealias Completion = (Result<Endpoint, RedisFailure>) -> Void

    private struct Answer {
        let primary: Endpoint
        let sentinel: Endpoint
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
    /// Something happened since the question in progress was asked.
    private var mustAskAgain = false
    private var waiting: [Completion] = []
    /// The last primary that a sentinel named; it stays in use while none answers.
    private var current: Endpoint?
    /// nil: none yet, or it was of no use.
    private var answer: Answer?
    /// The primary that a reported failover left: sentinels that have not heard of it name it for a while.
    private var former: (primary: Endpoint, until: MonotonicTime)?
    private var nextMove = MonotonicTime(nanoseconds: 0)
    private var recheck: LoopTimer?
    /// The sentinel of the subscription gave an answer that was of no use.
    private var isWatchDoubted = false
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
        recheck = loop.makeTimer { [weak self] in self?.ask() }
        let watch = SentinelWatch(
            configuration, credentials: { [weak self] in self?.credentials ?? RedisCredentials() }, loop: loop,
            resolver: resolver, sentinels: { [weak self] in self?.directory.inOrder ?? [] },
            SentinelWatch.Events(
                subscribed: { [weak self] in self?.ask() }, exhausted: { [weak self] in self?.ask() },
                switched: { [weak self] in self?.switched(to: $0, by: $1) },
                refused: { [weak self] in self?.report(.refused(sentinel: $0, $1)) }))
        self.watch = watch
        watch.start()
    }

    func close() {
        isClosed = true
        recheck?.cancel()
        watch?.close()
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
            directory.doubted(answer.sentinel)
            if answer.sentinel == watch?.sentinel { isWatchDoubted = true }
            self.answer = nil
        }
        // All connections of a process ask at the same time.
        if let answer, loop.now.since(answer.time) < Self.freshness { return completion(.success(answer.primary)) }
        guard waiting.count < Self.maximumWaiting else {
            return completion(.failure(.overloaded))
        }
        waiting.append(completion)
        if question == nil { ask() }
    }

    /// A connection has found that `primary` is one.
    func confirm(_ primary: Endpoint) {
        guard isWatchDoubted, let answer, answer.primary == primary else { return }
        isWatchDoubted = false
        if answer.sentinel != watch?.sentinel { watch?.leave() }
    }

    // MARK: Answers

    private func ask() {
        guard !isClosed else { return }
        guard question == nil else {
            mustAskAgain = true
            return
        }
        mustAskAgain = false
        let question = SentinelQuestion(
            configuration, directory.inOrder,
            credentials: { [weak self] in self?.credentials ?? RedisCredentials() }, loop: loop, resolver: resolver,
            SentinelQuestion.Events(
                answered: { [weak self] in self?.answered($0, by: $1) },
                failed: { [weak self] in self?.unanswered($0) },
                learned: { [weak self] in self?.directory.learned($0, from: $1) },
                refused: { [weak self] in self?.report(.refused(sentinel: $0, $1)) }))
        self.question = question
        question.start()
    }

    private func answered(_ primary: Endpoint, by sentinel: Endpoint) {
        question = nil
        directory.answered(sentinel)
        if let former, former.primary == primary, current != primary, loop.now < former.until {
            // It has not heard of the failover yet.
        } else {
            adopt(primary, isReported: false)
        }
        guard let current else { return }
        answer = Answer(primary: current, sentinel: sentinel, time: loop.now)
        if isOut {
            isOut = false
            report(.reachable(current))
        }
        complete(.success(current))
        if mustAskAgain { ask() }
    }

    private func unanswered(_ cause: String) {
        question = nil
        answer = nil
        if !isOut {
            isOut = true
            report(.unreachable(cause, last: current))
        }
        complete(current.map { .success($0) } ?? .failure(.unreachable("no sentinel names the primary (\(cause))")))
        if mustAskAgain { ask() }
    }

    private func complete(_ result: Result<Endpoint, RedisFailure>) {
        let completions = waiting
        waiting = []
        for completion in completions { completion(result) }
    }

    private func switched(to primary: Endpoint, by sentinel: Endpoint) {
        adopt(primary, isReported: true)
        if current == primary { answer = Answer(primary: primary, sentinel: sentinel, time: loop.now) }
    }

    /// - Parameter isReported: as a failover, not as an answer.
    private func adopt(_ primary: Endpoint, isReported: Bool) {
        guard primary != current else { return }
        guard let previous = current else {
            current = primary
            return report(.primary(primary, was: nil))
        }
        // Sentinels that contradict each other must not keep all connections busy.
        guard loop.now >= nextMove else {
            recheck?.set(nextMove)
            return
        }
        nextMove = loop.now.advanced(by: Self.moveInterval)
        current = primary
        former = isReported ? (previous, loop.now.advanced(by: Self.formerInterval)) : nil
        report(.primary(primary, was: previous))
        moved(primary)
    }

    private static let freshness = Nanoseconds.milliseconds(50)
    private static let moveInterval = Nanoseconds.seconds(1)
    /// Sentinels notify each other every two seconds.
    private static let formerInterval = Nanoseconds.seconds(10)
    /// More than a process has connections.
    private static let maximumWaiting = 4096
}
