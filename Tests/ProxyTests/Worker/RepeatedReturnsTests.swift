// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor
import Synchronization
import Testing

@testable import Proxy

@Suite("Returns of one attempt that come again")
struct RepeatedReturnsTests {
    /// The replay store, which answers on demand, and the clock.
    private final class Stage: Sendable {
        private struct State {
            var used: Set<[UInt8]> = []
            var questions: [@Sendable () -> Void] = []
            var verdicts: [ReplayVerdict] = []
            var seconds: UInt64 = 1_000
        }

        let returns = RepeatedReturns()
        private let state = Mutex(State())

        /// Nil: the store remembers keys as a store does.
        func bring(_ response: AttemptResponse, _ verdict: ReplayVerdict? = nil) {
            returns.verdict(
                on: response, clock: { [self] in now },
                consume: { done in
                    state.withLock { state in
                        state.questions.append { [self] in done(verdict ?? use(response.replayKeys)) }
                    }
                }, { [self] verdict in state.withLock { $0.verdicts.append(verdict) } })
        }

        private func use(_ keys: [[UInt8]]) -> ReplayVerdict {
            state.withLock { state in
                guard state.used.isDisjoint(with: keys) else { return .replayed }
                state.used.formUnion(keys)
                return .fresh
            }
        }

        /// The store answers all questions; the verdicts since the last call, and the number of questions.
        func verdicts() -> [ReplayVerdict] {
            let questions = state.withLock { state in
                defer { state.questions = [] }
                return state.questions
            }
            for question in questions { question() }
            return state.withLock { state in
                defer { state.verdicts = [] }
                return state.verdicts
            }
        }

        var questionCount: Int { state.withLock { $0.questions.count } }

        private var now: MonotonicTime { MonotonicTime(nanoseconds: state.withLock { $0.seconds } * 1_000_000_000) }

        func pass(_ seconds: UInt64) { state.withLock { $0.seconds += seconds } }
    }

    private static func response(
        _ key: String = "attempt and code", token: String = "token", user: String = "ada", subjects: [String] = ["s"]
    ) -> AttemptResponse {
        AttemptResponse(
            key: Array(key.utf8), replayKeys: [Array(token.utf8)], user: user, subjects: subjects.map { Array($0.utf8) }
        )
    }

    private static func signOut(_ user: String) -> Revocation {
        Revocation(subjects: [Array("session".utf8)], revokedAt: 0, expiresAt: 1, user: user, isOfOneSession: true)
    }

    private static func revocation(_ subject: String) -> Revocation {
        Revocation(subjects: [Array(subject.utf8)], revokedAt: 0, expiresAt: 1, user: "ada")
    }

    @Test(
        "those that come while the store is asked, and later ones, share the first one's verdict, which is asked for once"
    )
    func order() {
        let stage = Stage()
        for _ in 0..<3 { stage.bring(Self.response()) }
        #expect(stage.questionCount == 1)
        #expect(stage.verdicts() == [.fresh, .repeated, .repeated])
        for _ in 0..<50 { stage.bring(Self.response()) }
        #expect(stage.questionCount == 0)
        #expect(stage.verdicts() == Array(repeating: .repeated, count: 50))
    }

    @Test("the same token by another attempt, by another code, or as another token of the same code is refused")
    func others() {
        let stage = Stage()
        stage.bring(Self.response())
        stage.bring(Self.response("another attempt or code"))
        #expect(stage.verdicts() == [.fresh, .replayed])
        stage.bring(Self.response("another attempt or code"))
        #expect(stage.verdicts() == [.replayed])
        // Another token is one of its own: the store knows whether it was used.
        stage.bring(Self.response(token: "another"))
        #expect(stage.questionCount == 1)
        #expect(stage.verdicts() == [.fresh])
    }

    @Test("for ten seconds after the verdict, and not longer by coming again")
    func lifetime() {
        let stage = Stage()
        stage.bring(Self.response())
        stage.pass(60)
        #expect(stage.verdicts() == [.fresh])
        stage.pass(5)
        stage.bring(Self.response())
        #expect(stage.verdicts() == [.repeated])
        stage.pass(4)
        stage.bring(Self.response())
        #expect(stage.verdicts() == [.repeated])
        stage.pass(1)
        stage.bring(Self.response())
        #expect(stage.verdicts() == [.replayed])
    }

    @Test(
        "no other verdict is kept, and all who wait get it", arguments: [ReplayVerdict.replayed, .unavailable, .full])
    func notFresh(verdict: ReplayVerdict) {
        let stage = Stage()
        stage.bring(Self.response(), verdict)
        stage.bring(Self.response())
        #expect(stage.verdicts() == [verdict, verdict])
        stage.bring(Self.response())
        #expect(stage.verdicts() == [.fresh])
    }

    @Test("a sign-out of the user ends it, and one of somebody else does not")
    func ended() {
        for (revocation, isEnded) in [
            (Self.signOut("ada"), true), (Self.signOut(""), true), (Self.signOut("eve"), false),
            (Self.revocation("s"), true), (Self.revocation("t"), false),
        ] {
            for isEarly in [true, false] {
                let stage = Stage()
                stage.bring(Self.response())
                if isEarly {
                    stage.returns.end(revocation)
                    #expect(stage.verdicts() == [.fresh])
                } else {
                    #expect(stage.verdicts() == [.fresh])
                    stage.returns.end(revocation)
                }
                stage.bring(Self.response())
                #expect(stage.verdicts() == [isEnded ? .replayed : .repeated])
            }
        }
    }

    @Test("their number is bounded: the oldest are forgotten, and of one attempt few wait")
    func bounds() {
        let stage = Stage()
        for index in 0..<2000 {
            stage.bring(Self.response("\(index)", token: "\(index)"))
            #expect(stage.verdicts() == [.fresh])
        }
        for index in 0..<2000 {
            stage.bring(Self.response("\(index)", token: "\(index)"), .replayed)
            #expect(stage.verdicts() == [index < 976 ? .replayed : .repeated], "\(index)")
        }
        let other = Stage()
        for _ in 0..<20 { other.bring(Self.response()) }
        #expect(other.questionCount == 1)
        #expect(
            other.verdicts()
                == Array(repeating: .unavailable, count: 3) + [.fresh] + Array(repeating: .repeated, count: 16))
    }
}
