// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Reactor
import Synchronization
import TestSupport
import Testing

@Suite("Resolving names", .timeLimit(.minutes(5)))
struct ResolverTests {
    @Test("a literal address is not looked up", arguments: ["127.0.0.1", "::1"])
    func literal(host: String) async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let names = Names([])
        let answer = try await names.ask(host, on: loop).next()
        #expect(answer.addresses == [try #require(SocketAddress(literal: host, port: 80))])
        #expect(names.count == 0)
    }

    @Test("an answer is cached, for each host and port", arguments: EventLoop.Kind.allCases)
    func cached(kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        defer { loop.shutDown() }
        let names = Names([.addresses([one]), .addresses([two])], lifetime: .seconds(86_400))
        for _ in 0..<5 { #expect(try await names.ask("app", on: loop).next().addresses == [one]) }
        #expect(names.count == 1)
        #expect(try await names.ask("app", port: 81, on: loop).next().addresses == [two])
        #expect(names.count == 2)
    }

    @Test("a known answer is delivered within the call, an unknown one after it")
    func atOnce() async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let names = Names([.addresses([one])])
        for isKnown in [false, true] {
            let cameWithin = try await loop.run {
                var came = false
                names.resolver.resolve("app", port: 80, on: loop, loop.bind { _ in came = true })
                return came
            }
            #expect(cameWithin == isKnown)
            _ = try await names.ask("app", on: loop).next()
        }
    }

    @Test("concurrent requests, on several loops, cause one look-up")
    func singleFlight() async throws {
        let loops = [EventLoop(.batched), EventLoop(.sources), EventLoop(.batched)]
        defer { for loop in loops { loop.shutDown() } }
        let names = Names([.addresses([one])], held: true)
        var answers: [Mailbox<Resolver.Answer>] = []
        for number in 0..<30 { answers.append(try await names.ask("app", on: loops[number % 3])) }
        names.release()
        for answer in answers { #expect(try await answer.next().addresses == [one]) }
        #expect(names.count == 1)
    }

    @Test("after its lifetime an answer is still used, while a new one is fetched")
    func resolvedAgain() async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let names = Names([.addresses([one]), .addresses([two])], lifetime: Nanoseconds(count: 0))
        #expect(try await names.ask("app", on: loop).next().addresses == [one])
        // Starts a new look-up, without waiting for it.
        #expect(try await names.ask("app", on: loop).next().addresses == [one])
        while try await names.ask("app", on: loop).next().addresses != [two] { await Task.yield() }
        #expect(names.count >= 2)
    }

    @Test("an answer is reused within its lifetime, and looked up again after it")
    func lifetime() async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let names = Names([.addresses([one]), .addresses([two])], lifetime: .milliseconds(100))
        let start = MonotonicTime.current()
        while try await names.ask("app", on: loop).next().addresses == [one] { await Task.yield() }
        #expect(MonotonicTime.current().since(start) >= .milliseconds(100))
    }

    @Test("a failed look-up keeps the last good answer, and is retried soon")
    func failureKeepsAnswer() async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let names = Names(
            [.addresses([one]), .failure("no name server"), .addresses([two])], lifetime: Nanoseconds(count: 0))
        #expect(try await names.ask("app", on: loop).next().addresses == [one])
        let start = MonotonicTime.current()
        while names.count < 3 {
            let answer = try await names.ask("app", on: loop).next().addresses
            #expect(answer == [one] || names.count == 3)
            try await Task.sleep(nanoseconds: 1_000_000)
        }
        #expect(MonotonicTime.current().since(start) >= .seconds(1), "a failing name is not asked for all the time")
        while try await names.ask("app", on: loop).next().addresses != [two] { await Task.yield() }
    }

    @Test("without a good answer a failure is reported, and the next request starts a new look-up")
    func failure() async throws {
        let loop = EventLoop(.batched)
        defer { loop.shutDown() }
        let names = Names([.failure("unknown"), .addresses([]), .addresses([one])])
        #expect(try await names.ask("app", on: loop).next().failure == "unknown")
        #expect(try await names.ask("app", on: loop).next().addresses == [])
        #expect(try await names.ask("app", on: loop).next().addresses == [one])
        #expect(names.count == 3)
    }

    @Test("the system knows this machine, and gives a reason for an invalid name")
    func system() async throws {
        let known = try await onThread { Resolver.systemLookUp("localhost", 8080) }
        let addresses = known.addresses ?? []
        #expect(!addresses.isEmpty)
        for address in addresses {
            #expect([SocketAddress.v4(0x7f00_0001, port: 8080), .v6(high: 0, low: 1, port: 8080)].contains(address))
        }
        #expect(Set(addresses.map(\.description)).count == addresses.count, "each once")
        // A label of 64 letters is rejected without a query (RFC 1035 §2.3.4).
        let unknown = try await onThread { Resolver.systemLookUp(String(repeating: "a", count: 64) + ".invalid", 80) }
        #expect(unknown.failure?.isEmpty == false)
    }

    private let one = SocketAddress.v4(0x0a00_0001, port: 80)
    private let two = SocketAddress.v4(0x0a00_0002, port: 80)
}

extension Resolver.Answer {
    fileprivate var addresses: [SocketAddress]? {
        if case .addresses(let addresses) = self { addresses } else { nil }
    }

    fileprivate var failure: String? {
        if case .failure(let text) = self { text } else { nil }
    }
}

/// A resolver whose look-ups give these answers in turn, and then repeat the last one.
private final class Names: Sendable {
    let resolver: Resolver
    private let lookUps: LookUps
    private let gate = DispatchSemaphore(value: 0)

    /// - Parameter held: look-ups wait for ``release()``.
    init(_ answers: [Resolver.Answer], lifetime: Nanoseconds = .seconds(30), held: Bool = false) {
        let lookUps = LookUps(answers, gate: held ? gate : nil)
        self.lookUps = lookUps
        resolver = Resolver(lifetime: lifetime) { _, _ in lookUps.next() }
    }

    var count: Int { lookUps.count }

    func release() { gate.signal() }

    /// Resolves; the answer is sent to the mailbox.
    func ask(_ host: String, port: UInt16 = 80, on loop: EventLoop) async throws -> Mailbox<Resolver.Answer> {
        let answer = Mailbox<Resolver.Answer>()
        try await loop.run {
            self.resolver.resolve(host, port: port, on: loop, loop.bind { answer.send($0) })
        }
        return answer
    }
}

private final class LookUps: Sendable {
    private let started = Mutex(0)
    private let answers: [Resolver.Answer]
    private let gate: DispatchSemaphore?

    init(_ answers: [Resolver.Answer], gate: DispatchSemaphore?) {
        self.answers = answers
        self.gate = gate
    }

    var count: Int { started.withLock { $0 } }

    func next() -> Resolver.Answer {
        let number = started.withLock { started in
            started += 1
            return started
        }
        gate?.wait()
        return answers.isEmpty ? .failure("not to be asked") : answers[min(number, answers.count) - 1]
    }
}
