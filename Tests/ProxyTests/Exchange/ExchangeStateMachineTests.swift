// SPDX-License-Identifier: Apache-2.0

import Proxy
import Testing

@Suite("Exchange states")
struct ExchangeStateMachineTests {
    enum Event: Equatable, Sendable {
        case head(hasContent: Bool)
        case forwarded, collects, acquired, requestEnded
        case awaits(ExchangeStateMachine.Awaited)
        case response(UInt16, wantsUpgrade: Bool = false)
        case responseEnded, answered
        case lost(ExchangeStateMachine.Loss, mayRepeat: Bool = false)
        case downstreamLost
    }

    enum Action: Equatable, Sendable {
        case none
        case requestEnd(ExchangeStateMachine.RequestEndAction)
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
        case .head(let hasContent): machine.requestHeadReceived(hasContent: hasContent)
        case .forwarded: machine.forwarded()
        case .collects: machine.collects()
        case .awaits(let what): machine.awaits(what)
        case .acquired: machine.upstreamAcquired()
        case .answered: machine.answered()
        case .downstreamLost: machine.downstreamLost()
        case .requestEnded: return .requestEnd(machine.requestEnded())
        case .response(let status, let wantsUpgrade):
            return .head(machine.responseHeadReceived(status: status, wantsUpgrade: wantsUpgrade))
        case .responseEnded: return .end(machine.responseEnded())
        case .lost(let loss, let mayRepeat): return .loss(machine.upstreamLost(loss, mayRepeat: mayRepeat))
        }
        return .none
    }

    private static let get: [(Event, Action)] = [
        (.head(hasContent: false), .none), (.forwarded, .none), (.acquired, .none),
    ]
    private static let post: [(Event, Action)] = [
        (.head(hasContent: true), .none), (.forwarded, .none), (.acquired, .none),
    ]

    static let scripts: [Script] = [
        Script(
            "a GET",
            get + [(.response(200), .head(.forward)), (.responseEnded, .end(.finish))], .ended),
        Script(
            "informational responses come before the response, as many as there are",
            get + [
                (.response(103), .head(.forwardInformational)), (.response(103), .head(.forwardInformational)),
                (.response(200), .head(.forward)), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a POST, answered after its content",
            post + [
                (.requestEnded, .requestEnd(.none)), (.response(200), .head(.forward)), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a POST whose content ends while the response streams",
            post + [
                (.response(200), .head(.forward)), (.requestEnded, .requestEnd(.none)), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a POST answered before its content ends",
            post + [(.response(413), .head(.forward)), (.responseEnded, .end(.finishEarly))], .ended),
        Script(
            "nothing follows the end of the response",
            get + [
                (.response(200), .head(.forward)), (.responseEnded, .end(.finish)), (.responseEnded, .end(.none)),
                (.response(200), .head(.none)), (.lost(.closed(wasReused: false)), .loss(.none)),
            ], .ended),
        Script(
            "a response cannot end before it began", get + [(.responseEnded, .end(.none))], .exchanging(.awaited)),
        Script(
            "a second head within a response is none",
            get + [(.response(200), .head(.forward)), (.response(200), .head(.none))], .exchanging(.streaming)),
        Script(
            "an answer of our own, without content",
            [(.head(hasContent: false), .none), (.answered, .none), (.responseEnded, .end(.finish))], .ended),
        Script(
            "an answer of our own before the content: the rest must not become a request",
            [(.head(hasContent: true), .none), (.answered, .none), (.responseEnded, .end(.finishEarly))], .ended),
        Script(
            "a form is decided when it is read",
            [
                (.head(hasContent: true), .none), (.collects, .none), (.requestEnded, .requestEnd(.decideForm)),
                (.answered, .none), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a form too large is answered before its end",
            [
                (.head(hasContent: true), .none), (.collects, .none), (.answered, .none),
                (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "a claim for a form",
            [
                (.head(hasContent: true), .none), (.collects, .none), (.requestEnded, .requestEnd(.decideForm)),
                (.awaits(.claim), .none), (.answered, .none), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "a claim for a GET whose content was not read",
            [
                (.head(hasContent: true), .none), (.awaits(.claim), .none), (.answered, .none),
                (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "an upgrade becomes a tunnel",
            get + [(.response(101, wantsUpgrade: true), .head(.openTunnel))], .tunnelling),
        Script(
            "CVE-2025-64763, CVE-2024-23326: a 101 nobody asked for is a bad gateway",
            get + [(.response(101), .head(.answerBadGateway)), (.responseEnded, .end(.finish))], .ended),
        Script(
            "a 101 before the request's end is a bad gateway",
            post + [
                (.response(101, wantsUpgrade: true), .head(.answerBadGateway)), (.responseEnded, .end(.finishEarly)),
            ],
            .ended),
        Script(
            "a 101 in the middle of a response is none",
            get + [(.response(200), .head(.forward)), (.response(101, wantsUpgrade: true), .head(.none))],
            .exchanging(.streaming)),
        Script(
            "a refused upgrade is an exchange like any other",
            get + [(.response(403, wantsUpgrade: true), .head(.forward)), (.responseEnded, .end(.finish))], .ended),
        Script(
            "no connection: 502",
            [
                (.head(hasContent: false), .none), (.forwarded, .none),
                (.lost(.unreachable, mayRepeat: true), .loss(.answer(status: 502))), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "no connection in time: 504",
            [
                (.head(hasContent: true), .none), (.forwarded, .none),
                (.lost(.connectTimeout, mayRepeat: true), .loss(.answer(status: 504))),
                (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "no free connection in time: 503",
            [
                (.head(hasContent: false), .none), (.forwarded, .none),
                (.lost(.overloaded, mayRepeat: true), .loss(.answer(status: 503))), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "an old connection proves dead: once more, on a fresh one",
            get + [
                (.lost(.closed(wasReused: true), mayRepeat: true), .loss(.retry)), (.acquired, .none),
                (.response(200), .head(.forward)), (.responseEnded, .end(.finish)),
            ], .ended),
        Script(
            "the app refuses a request unseen: once more, whatever its method",
            post + [
                (.lost(.refused, mayRepeat: true), .loss(.retry)), (.acquired, .none),
                (.response(200), .head(.forward)), (.responseEnded, .end(.finishEarly)),
            ], .ended),
        Script(
            "what was refused and cannot be sent again: 502",
            post + [(.lost(.refused, mayRepeat: false), .loss(.answer(status: 502)))], .answered),
        Script(
            "what may not be repeated is not",
            get + [(.lost(.closed(wasReused: true), mayRepeat: false), .loss(.answer(status: 502)))], .answered),
        Script(
            "a fresh connection that ends is no reason to repeat",
            get + [(.lost(.closed(wasReused: false), mayRepeat: true), .loss(.answer(status: 502)))], .answered),
        Script(
            "silence: 504", get + [(.lost(.responseTimeout, mayRepeat: true), .loss(.answer(status: 504)))], .answered),
        Script(
            "nonsense: 502", get + [(.lost(.malformed, mayRepeat: true), .loss(.answer(status: 502)))], .answered),
        Script(
            "a response that breaks off is cut short, never repeated",
            get + [
                (.response(200), .head(.forward)),
                (.lost(.closed(wasReused: true), mayRepeat: true), .loss(.abort)), (.responseEnded, .end(.none)),
            ], .ended),
        Script(
            "after the browser has gone nothing is done for it",
            get + [
                (.downstreamLost, .none), (.response(200), .head(.none)),
                (.lost(.closed(wasReused: true), mayRepeat: true), .loss(.none)), (.responseEnded, .end(.none)),
            ], .ended),
    ]

    @Test("whatever happens in whatever order, a request left unread never ends as a whole one")
    func invariants() {
        let events: [Event] = [
            .forwarded, .collects, .awaits(.keys), .acquired, .requestEnded, .response(100), .response(200),
            .response(101, wantsUpgrade: true), .responseEnded, .answered,
            .lost(.closed(wasReused: true), mayRepeat: true), .lost(.malformed), .downstreamLost,
        ]
        var walked = 0
        for number in 0..<events.count * events.count * events.count * events.count {
            var rest = number
            var machine = ExchangeStateMachine()
            machine.requestHeadReceived(hasContent: true)
            var isRead = false
            var finishes = 0
            for _ in 0..<4 {
                let event = events[rest % events.count]
                rest /= events.count
                // The caller's promise.
                if event == .acquired, machine.state != .acquiring { continue }
                if event == .requestEnded { isRead = true }
                let wasEnded = machine.state == .ended
                switch Self.perform(event, on: &machine) {
                case .end(.finish):
                    finishes += 1
                    #expect(isRead, "\(number)")
                case .end(.finishEarly):
                    finishes += 1
                    #expect(!isRead, "\(number)")
                case .head(.openTunnel): #expect(isRead, "\(number)")
                case .head(let action) where wasEnded: #expect(action == .none)
                case .loss(let action) where wasEnded: #expect(action == .none)
                default: break
                }
                if event == .answered || event == .forwarded { finishes = 0 }
            }
            #expect(finishes <= 1)
            walked += 1
        }
        #expect(walked == 28561)
    }
}
