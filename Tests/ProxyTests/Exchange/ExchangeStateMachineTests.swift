// SPDX-License-Identifier: Apache-2.0

import Proxy
import Testing

@Suite("Exchange states")
struct ExchangeStateMachineTests {
    enum Event: Equatable, Sendable {
        case head(hasContent: Bool, isIdempotent: Bool = true, limit: UInt64 = .max)
        case forwarded, deferred
        case collects(limit: Int)
        case collectsForm(limit: Int)
        case collectsNoMoreForm, forwardedForm
        case collectsWhole(limit: Int)
        case collectsNoMore
        case awaits(ExchangeStateMachine.Awaited)
        case answerReceived
        case content(String, isEnd: Bool = false)
        case held(String)
        case acquired(mayRefuse: Bool = false)
        case response(UInt16, wantsUpgrade: Bool = false)
        case responseReplaced, responseEnded, answered, aborted
        case lost(UpstreamLoss)
    }

    enum Action: Equatable, Sendable {
        case none
        case collects(Bool)
        case forwardedForm(Bool)
        case content(ExchangeStateMachine.ContentAction)
        case start(ExchangeStateMachine.StartAction)
        case head(ExchangeStateMachine.HeadAction)
        case end(ExchangeStateMachine.EndAction)
        case loss(ExchangeStateMachine.LossAction)
    }

    struct Script: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let steps: [(Event, Action)]
        let final: ExchangeStateMachine.State

        init(_ name: String, _ steps: [(Event, Action)], _ final: ExchangeStateMachine.State) {
            testDescription = name
            self.steps = steps
            self.final = final
        }
    }

    @Test("scripts of events give the actions they should", arguments: Self.scripts)
    func script(_ script: Script) {
        var machine = ExchangeStateMachine()
        for (index, step) in script.steps.enumerated() {
            let action = Self.perform(step.0, on: &machine)
            #expect(action == step.1, "step \(index): \(step.0)")
        }
        #expect(machine.state == script.final)
    }

    private static func perform(_ event: Event, on machine: inout ExchangeStateMachine) -> Action {
        switch event {
        case .head(let hasContent, let isIdempotent, let limit):
            machine.requestHeadReceived(hasContent: hasContent, isIdempotent: isIdempotent, maximumContent: limit)
        case .forwarded: machine.forwarded()
        case .deferred: machine.deferred()
        case .collects(let limit): return .collects(machine.collects(limit: limit))
        case .collectsForm(let limit): return .collects(machine.collectsForm(limit: limit))
        case .collectsNoMoreForm: machine.collectsNoMoreForm()
        case .forwardedForm: return .forwardedForm(machine.forwardedForm())
        case .collectsWhole(let limit): machine.collects(whole: limit)
        case .collectsNoMore: machine.collectsNoMore()
        case .awaits(let what): machine.awaits(what)
        case .answerReceived: machine.answerReceived()
        case .content(let text, let isEnd):
            let bytes = Array(text.utf8)
            return .content(machine.contentReceived(bytes.span, isEnd: isEnd, trailers: []))
        case .held(let text):
            let bytes = Array(text.utf8)
            machine.hold(bytes.span, trailers: [])
        case .acquired(let mayRefuse): return .start(machine.upstreamAcquired(mayRefuse: mayRefuse))
        case .response(let status, let wantsUpgrade):
            return .head(machine.responseHeadReceived(status: status, wantsUpgrade: wantsUpgrade))
        case .responseReplaced: machine.responseReplaced()
        case .responseEnded: return .end(machine.responseEnded())
        case .answered: machine.answered()
        case .aborted: machine.aborted()
        case .lost(let loss): return .loss(machine.upstreamLost(loss))
        }
        return .none
    }

    private static let get: [(Event, Action)] = [
        (.head(hasContent: false), .none), (.forwarded, .none), (.acquired(), .start(.start)),
    ]
    private static let post: [(Event, Action)] = [
        (.head(hasContent: true, isIdempotent: false), .none), (.forwarded, .none), (.acquired(), .start(.start)),
    ]
    /// Over HTTP/2.
    private static let postRefusable: [(Event, Action)] = [
        (.head(hasContent: true, isIdempotent: false), .none), (.forwarded, .none),
        (.acquired(mayRefuse: true), .start(.start)),
    ]

    private static func buffer(_ text: String) -> RetryBuffer {
        RetryBuffer(content: Array(text.utf8))
    }

    static let scripts: [Script] = [
        Script("a GET", get + [(.response(200), .head(.forward)), (.responseEnded, .end(.finish))], .ended),
        Script(
            "informational responses precede the response, in any number",
            get + [
                (.response(103), .head(.forwardInformational)), (.response(103), .head(.forwardInformational)),
                (.response(200), .head(.forward)), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a POST, answered after its content",
            post + [
                (.content("a"), .content(.send)), (.content("", isEnd: true), .content(.send)),
                (.response(200), .head(.forward)), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a POST whose content ends during the response",
            post + [
                (.response(200), .head(.forward)), (.content("a", isEnd: true), .content(.send)),
                (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a POST answered before its content ends",
            post + [(.response(413), .head(.forward)), (.responseEnded, .end(.finishEarly))], .ended),
        Script(
            "a response of the gate, without content",
            [(.head(hasContent: false), .none), (.answered, .none), (.responseEnded, .end(.finish))], .ended),
        Script(
            "a response of the gate before the content: the rest must not become a request",
            [(.head(hasContent: true), .none), (.answered, .none), (.responseEnded, .end(.finishEarly))], .ended),

        // Forms.
        Script(
            "a form is decided when it has been read",
            [
                (.head(hasContent: true), .none), (.collects(limit: 4), .collects(true)),
                (.content("ab"), .content(.none)), (.content("cd", isEnd: true), .content(.decide)),
                (.answered, .none), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a form that the app may get is sent with the head, once it was looked at",
            [
                (.head(hasContent: true, isIdempotent: false), .none), (.collectsForm(limit: 4), .collects(true)),
                (.content("ab"), .content(.none)), (.content("cd", isEnd: true), .content(.decide)),
                (.awaits(.session), .none), (.answerReceived, .none), (.forwardedForm, .forwardedForm(true)),
                (.acquired(), .start(.repeat(buffer("abcd")))), (.response(200), .head(.forward)),
                (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a longer one is not refused: its rest follows",
            [
                (.head(hasContent: true), .none), (.collectsForm(limit: 4), .collects(true)),
                (.content("abc"), .content(.none)), (.content("de"), .content(.decide)),
                (.forwardedForm, .forwardedForm(true)), (.acquired(), .start(.startWith(buffer("abcde")))),
                (.content("f", isEnd: true), .content(.send)), (.response(200), .head(.forward)),
                (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a longer one is answered before its end: the rest must not become a request",
            [
                (.head(hasContent: true), .none), (.collectsForm(limit: 4), .collects(true)),
                (.content("abcde"), .content(.decide)), (.answered, .none), (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "without memory no more of it is collected",
            [
                (.head(hasContent: true), .none), (.collectsForm(limit: 4), .collects(true)),
                (.content("a"), .content(.none)), (.collectsNoMoreForm, .none), (.content("b"), .content(.decide)),
                (.answered, .none), (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "a form that is longer than any content may be is refused",
            [
                (.head(hasContent: true, limit: 2), .none), (.collectsForm(limit: 4), .collects(true)),
                (.content("abc"), .content(.refuse)), (.answered, .none), (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "such a form without content is decided at once, and goes to the app without",
            [
                (.head(hasContent: false, isIdempotent: false), .none), (.collectsForm(limit: 4), .collects(false)),
                (.forwardedForm, .forwardedForm(true)), (.acquired(), .start(.start)),
                (.response(200), .head(.forward)),
                (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a form that only the gate needs is not for the app",
            [
                (.head(hasContent: false), .none), (.collects(limit: 4), .collects(false)),
                (.forwardedForm, .forwardedForm(false)), (.answered, .none), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a form without content is decided at once",
            [(.head(hasContent: false), .none), (.collects(limit: 4), .collects(false)), (.answered, .none)],
            .answered),
        Script(
            "a form that is too long is answered before its end",
            [
                (.head(hasContent: true), .none), (.collects(limit: 3), .collects(true)),
                (.content("abcd"), .content(.refuse)), (.answered, .none), (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "a token of a form that is consumed",
            [
                (.head(hasContent: true), .none), (.collects(limit: 9), .collects(true)),
                (.content("a", isEnd: true), .content(.decide)), (.awaits(.replayStore), .none),
                (.answerReceived, .none),
                (.answered, .none), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a token of a GET that is consumed, while the content is not read",
            [
                (.head(hasContent: true), .none), (.awaits(.replayStore), .none), (.answerReceived, .none),
                (.answered, .none), (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "several questions for one request",
            [
                (.head(hasContent: false), .none), (.awaits(.keys), .none), (.answerReceived, .none),
                (.awaits(.session), .none), (.answerReceived, .none), (.forwarded, .none),
            ], .acquiring),
        Script(
            "a client that leaves while something is asked",
            [(.head(hasContent: false), .none), (.awaits(.keys), .none), (.aborted, .none)], .ended),

        // Content that arrives before a connection.
        Script(
            "a deferred request takes a connection with its first content",
            [
                (.head(hasContent: true), .none), (.deferred, .none), (.content(""), .content(.none)),
                (.content("ab"), .content(.acquire)), (.acquired(), .start(.startBeforeContent)),
                (.content("c", isEnd: true), .content(.send)),
            ], .exchanging(.awaited)),
        Script(
            "the first content of a deferred request waits for the connection",
            [
                (.head(hasContent: true), .none), (.deferred, .none), (.content("ab"), .content(.acquire)),
                (.held("ab"), .none), (.acquired(), .start(.startWith(RetryBuffer(content: Array("ab".utf8))))),
                (.content("c", isEnd: true), .content(.send)),
            ], .exchanging(.awaited)),

        // Content that is collected.
        Script(
            "collected content is sent with the head, and again if the app did not process it",
            [
                (.head(hasContent: true, isIdempotent: false), .none), (.collectsWhole(limit: 3), .none),
                (.content("ab"), .content(.none)), (.content("c", isEnd: true), .content(.acquireForCollected)),
                (.acquired(mayRefuse: true), .start(.repeat(RetryBuffer(content: Array("abc".utf8))))),
                (.lost(.refused), .loss(.retry)),
                (.acquired(), .start(.repeat(RetryBuffer(content: Array("abc".utf8))))),
                (.lost(.closed(wasReused: true)), .loss(.answer(status: 502))),
            ], .answered),
        Script(
            "a collected request that may be repeated is, when the connection was an old one",
            [
                (.head(hasContent: true), .none), (.collectsWhole(limit: 3), .none),
                (.content("abc", isEnd: true), .content(.acquireForCollected)),
                (.acquired(), .start(.repeat(RetryBuffer(content: Array("abc".utf8))))),
                (.lost(.closed(wasReused: true)), .loss(.retry)),
            ], .acquiring),
        Script(
            "collected content may be empty",
            [
                (.head(hasContent: true, isIdempotent: false), .none), (.collectsWhole(limit: 3), .none),
                (.content("", isEnd: true), .content(.acquireForCollected)), (.acquired(), .start(.start)),
                (.lost(.refused), .loss(.retry)),
            ], .acquiring),
        Script(
            "more than is collected follows as it arrives",
            [
                (.head(hasContent: true), .none), (.collectsWhole(limit: 3), .none), (.content("ab"), .content(.none)),
                (.content("cd"), .content(.acquireForCollected)),
                (.acquired(), .start(.startWith(RetryBuffer(content: Array("abcd".utf8))))),
                (.content("e", isEnd: true), .content(.send)),
                (.lost(.closed(wasReused: true)), .loss(.answer(status: 502))),
            ], .answered),
        Script(
            "without memory for more the rest follows as it arrives",
            [
                (.head(hasContent: true), .none), (.collectsWhole(limit: 9), .none), (.content("ab"), .content(.none)),
                (.collectsNoMore, .none), (.content("c"), .content(.acquireForCollected)),
                (.acquired(), .start(.startWith(RetryBuffer(content: Array("abc".utf8))))),
                (.content("", isEnd: true), .content(.send)),
            ], .exchanging(.awaited)),
        Script(
            "the limit of content applies while it is collected",
            [
                (.head(hasContent: true, limit: 2), .none), (.collectsWhole(limit: 9), .none),
                (.content("abc"), .content(.refuse)), (.answered, .none),
            ], .answered),
        Script(
            "a client that leaves while its content is collected",
            [
                (.head(hasContent: true), .none), (.collectsWhole(limit: 9), .none), (.content("ab"), .content(.none)),
                (.aborted, .none),
            ], .ended),

        // The limit.
        Script(
            "content beyond the limit is refused",
            [
                (.head(hasContent: true, limit: 3), .none), (.forwarded, .none), (.acquired(), .start(.start)),
                (.content("abc"), .content(.send)), (.content("d"), .content(.refuse)), (.answered, .none),
                (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "content beyond the limit during the response aborts it",
            [
                (.head(hasContent: true, limit: 3), .none), (.forwarded, .none), (.acquired(), .start(.start)),
                (.response(200), .head(.forward)), (.content("abcd"), .content(.abort)), (.aborted, .none),
            ], .ended),

        // Upgrades.
        Script(
            "an upgrade becomes a tunnel",
            get + [(.response(101, wantsUpgrade: true), .head(.openTunnel))], .tunnelling),
        Script(
            "CVE-2025-64763, CVE-2024-23326: a 101 that was not requested is a bad gateway",
            get + [(.response(101), .head(.answerBadGateway)), (.responseEnded, .end(.finish))], .ended),
        Script(
            "a 101 before the request's end is a bad gateway",
            post + [
                (.response(101, wantsUpgrade: true), .head(.answerBadGateway)), (.responseEnded, .end(.finishEarly)),
            ],
            .ended),
        Script(
            "a refused upgrade is an exchange like any other",
            get + [(.response(403, wantsUpgrade: true), .head(.forward)), (.responseEnded, .end(.finish))], .ended),

        // A response that the gate replaces.
        Script(
            "the app's response to a sign-out is replaced",
            get + [
                (.responseReplaced, .none), (.awaits(.revocation), .none), (.answerReceived, .none), (.answered, .none),
                (.responseEnded, .end(.finish)),
            ], .ended),

        // Losses.
        Script(
            "no connection: 502",
            [
                (.head(hasContent: false), .none), (.forwarded, .none),
                (.lost(.unreachable), .loss(.answer(status: 502))), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "no connection in time: 504",
            [
                (.head(hasContent: true), .none), (.forwarded, .none),
                (.lost(.connectTimeout), .loss(.answer(status: 504))), (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "no free connection in time: 503",
            [
                (.head(hasContent: false), .none), (.forwarded, .none),
                (.lost(.overloaded), .loss(.answer(status: 503))), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a reused connection has ended: once more, on a fresh one",
            get + [
                (.lost(.closed(wasReused: true)), .loss(.retry)), (.acquired(), .start(.start)),
                (.response(200), .head(.forward)), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "once more is not twice more",
            get + [
                (.lost(.closed(wasReused: true)), .loss(.retry)), (.acquired(), .start(.start)),
                (.lost(.closed(wasReused: true)), .loss(.answer(status: 502))),
            ], .answered),
        Script(
            "a request that may not be repeated is not",
            [
                (.head(hasContent: false, isIdempotent: false), .none), (.forwarded, .none),
                (.acquired(), .start(.start)), (.lost(.closed(wasReused: true)), .loss(.answer(status: 502))),
            ], .answered),
        Script(
            "a request with content is not repeated because of an old connection",
            [
                (.head(hasContent: true), .none), (.forwarded, .none), (.acquired(mayRefuse: true), .start(.start)),
                (.lost(.closed(wasReused: true)), .loss(.answer(status: 502))),
            ], .answered),
        Script(
            "a fresh connection that ends is no reason to repeat",
            get + [(.lost(.closed(wasReused: false)), .loss(.answer(status: 502)))], .answered),
        Script(
            "a stream that the app resets is no reason to repeat",
            get + [(.lost(.reset(.failed)), .loss(.answer(status: 502)))], .answered),
        Script(
            "the app refuses a request that it has not processed: once more, with its content, whatever its method",
            postRefusable + [
                (.content("ab"), .content(.send)), (.content("c"), .content(.send)), (.lost(.refused), .loss(.retry)),
                (.acquired(mayRefuse: true), .start(.repeat(buffer("abc")))),
                (.content("d", isEnd: true), .content(.send)), (.response(200), .head(.forward)),
                (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "the app refuses a request before any content",
            postRefusable + [
                (.lost(.refused), .loss(.retry)), (.acquired(mayRefuse: true), .start(.start)),
                (.content("a", isEnd: true), .content(.send)),
            ], .exchanging(.awaited)),
        Script(
            "the app refuses a request without content, whatever its method",
            [
                (.head(hasContent: false, isIdempotent: false), .none), (.forwarded, .none),
                (.acquired(mayRefuse: true), .start(.start)), (.lost(.refused), .loss(.retry)),
            ], .acquiring),
        Script(
            "content that was not kept cannot be sent again: 502",
            postRefusable + [
                (.content(String(repeating: "a", count: 32_769)), .content(.send)),
                (.lost(.refused), .loss(.answer(status: 502))),
            ], .answered),
        Script(
            "the end of an empty content was sent: it is not known to be repeatable",
            postRefusable + [
                (.content("", isEnd: true), .content(.send)), (.lost(.refused), .loss(.answer(status: 502))),
            ], .answered),
        Script("silence: 504", get + [(.lost(.responseTimeout), .loss(.answer(status: 504)))], .answered),
        Script("not a response: 502", get + [(.lost(.malformed), .loss(.answer(status: 502)))], .answered),
        Script(
            "a response that breaks off is aborted, never repeated",
            get + [(.response(200), .head(.forward)), (.lost(.closed(wasReused: true)), .loss(.abort))], .ended),
        Script("a client that leaves", get + [(.aborted, .none)], .ended),
    ]

    /// The events that are possible in a state.
    private static func possible(
        in state: ExchangeStateMachine.State, isRequestComplete: Bool, hasForm: Bool, hasContent: Bool
    ) -> [Event] {
        let content: [Event] = isRequestComplete ? [] : [.content("a"), .content("b", isEnd: true)]
        switch state {
        case .deciding:
            var events: [Event] = [.forwarded, .awaits(.keys), .answered, .aborted]
            if !hasForm, !hasContent { events.append(.collects(limit: 1)) }
            if !isRequestComplete { events += [.deferred, .collectsWhole(limit: 1)] }
            return events
        case .collecting: return content + [.answered, .aborted]
        case .awaiting: return [.answerReceived, .aborted]
        case .receiving: return content + [.answered, .aborted]
        case .acquiring: return [.acquired(), .acquired(mayRefuse: true), .lost(.unreachable), .answered, .aborted]
        case .exchanging(.awaited):
            return content + [
                .response(100), .response(200), .response(101), .response(101, wantsUpgrade: true), .responseReplaced,
                .lost(.refused), .lost(.closed(wasReused: true)), .lost(.malformed), .answered, .aborted,
            ]
        case .exchanging(.streaming): return content + [.responseEnded, .lost(.malformed), .aborted]
        case .tunnelling: return [.aborted]
        case .answered: return [.responseEnded, .aborted]
        case .ended: return []
        }
    }

    @Test("content that passes unread counts, up to the limit, and such a request is not sent again")
    func passes() {
        var machine = ExchangeStateMachine()
        machine.requestHeadReceived(hasContent: true, isIdempotent: true, maximumContent: 100)
        machine.forwarded()
        #expect(machine.upstreamAcquired(mayRefuse: true) == .start)
        #expect(machine.passableContent == 100)
        machine.contentPassed(60)
        #expect(machine.contentCount == 60 && machine.passableContent == 40 && !machine.isRequestComplete)
        #expect(machine.upstreamLost(.refused) == .answer(status: 502))
    }

    @Test("whatever happens in whatever order, a request left unread never ends as a complete one")
    func invariants() {
        var walked = 0
        // Walks choose an event at each step, by a number in a system whose base changes.
        for number in 0..<60_000 {
            var rest = number
            var machine = ExchangeStateMachine()
            machine.requestHeadReceived(hasContent: true, isIdempotent: number % 2 == 0, maximumContent: 2)
            var (isRead, retries, finishes) = (false, 0, 0)
            for _ in 0..<9 {
                let events = Self.possible(
                    in: machine.state, isRequestComplete: machine.isRequestComplete, hasForm: machine.form != nil,
                    hasContent: machine.contentCount > 0)
                guard !events.isEmpty else { break }
                let event = events[rest % events.count]
                rest /= events.count
                if case .content(_, isEnd: true) = event { isRead = true }
                switch Self.perform(event, on: &machine) {
                case .end(.finish):
                    finishes += 1
                    #expect(isRead, "\(number)")
                case .end(.finishEarly):
                    finishes += 1
                    #expect(!isRead, "\(number)")
                case .head(.openTunnel): #expect(isRead, "\(number)")
                case .loss(.retry): retries += 1
                case .content(.refuse), .content(.abort): machine.aborted()
                default: break
                }
                walked += 1
            }
            #expect(finishes <= 1 && retries <= 1)
        }
        #expect(walked > 150_000)
    }
}
