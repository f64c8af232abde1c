// SPDX-License-Identifier: Apache-2.0

import Proxy
import Testing

@Suite("Pool states")
struct UpstreamPoolStateMachineTests {
    final class Name {
        let text: String

        init(_ text: String) {
            self.text = text
        }
    }

    struct Script: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var maximum = 2
        var maximumWaiting = 2
        /// An event and what it gives. Requests have lower-case names, connections upper-case ones.
        let steps: [(event: String, action: String)]
        let open: Int
    }

    @Test("scripts of events give the actions they should", arguments: Self.scripts)
    func script(_ script: Script) {
        var machine = UpstreamPoolStateMachine<Name, Name>(
            maximum: script.maximum, maximumWaiting: script.maximumWaiting)
        var names: [String: Name] = [:]
        for step in script.steps {
            let words = step.event.split(separator: " ").map(String.init)
            let subject = words.count > 1 ? names[words[1]] ?? Name(words[1]) : Name("")
            names[subject.text] = subject
            #expect(Self.perform(words[0], subject, on: &machine) == step.action, "\(step.event)")
        }
        #expect(machine.openCount == script.open)
    }

    private static func perform(
        _ event: String, _ subject: Name, on machine: inout UpstreamPoolStateMachine<Name, Name>
    ) -> String {
        switch event {
        case "acquire", "refresh":
            switch machine.acquire(subject, fresh: event == "refresh") {
            case .use(let connection): return "use \(connection.text)"
            case .connect: return "connect"
            case .wait: return "wait"
            case .refuse: return "refuse"
            }
        case "release": return text(machine.released(subject, isReusable: true))
        case "drop": return text(machine.released(subject, isReusable: false))
        case "closed": return text(machine.closed())
        case "idle-ended": return machine.idleEnded(subject) ? "was idle" : "was not idle"
        case "give-up":
            machine.gaveUp(subject)
            return "waiting \(machine.waitingCount)"
        case "take": return machine.takeIdle().map(\.text).joined(separator: " ")
        default: return "?"
        }
    }

    private static func text(_ action: UpstreamPoolStateMachine<Name, Name>.ReleaseAction) -> String {
        switch action {
        case .hand(let connection, let waiter): "hand \(connection.text) to \(waiter.text)"
        case .park: "park"
        case .close: "close"
        case .closeAndConnect(let waiter): "connect for \(waiter.text)"
        }
    }

    static let scripts: [Script] = [
        Script(
            testDescription: "an idle connection serves again",
            steps: [("acquire a", "connect"), ("release A", "park"), ("acquire b", "use A")], open: 1),
        Script(
            testDescription: "the last used comes first",
            steps: [
                ("acquire a", "connect"), ("acquire b", "connect"), ("release A", "park"), ("release B", "park"),
                ("acquire c", "use B"), ("acquire d", "use A"),
            ], open: 2),
        Script(
            testDescription: "a retry takes no idle one",
            steps: [("acquire a", "connect"), ("release A", "park"), ("refresh b", "connect")], open: 2),
        Script(
            testDescription: "beyond the maximum requests wait, in order",
            steps: [
                ("acquire a", "connect"), ("acquire b", "connect"), ("acquire c", "wait"), ("acquire d", "wait"),
                ("release A", "hand A to c"), ("release B", "hand B to d"), ("release A", "park"),
            ], open: 2),
        Script(
            testDescription: "no more wait than may",
            steps: [
                ("acquire a", "connect"), ("acquire b", "connect"), ("acquire c", "wait"), ("acquire d", "wait"),
                ("acquire e", "refuse"),
            ], open: 2),
        Script(
            testDescription: "a connection that ends makes room for who waits",
            steps: [
                ("acquire a", "connect"), ("acquire b", "connect"), ("acquire c", "wait"), ("closed", "connect for c"),
                ("drop B", "close"), ("closed", "close"),
            ], open: 0),
        Script(
            testDescription: "who gave up gets nothing",
            steps: [
                ("acquire a", "connect"), ("acquire b", "connect"), ("acquire c", "wait"), ("acquire d", "wait"),
                ("give-up c", "waiting 1"), ("give-up c", "waiting 1"), ("release A", "hand A to d"),
            ], open: 2),
        Script(
            testDescription: "an idle connection that ends is counted once",
            steps: [
                ("acquire a", "connect"), ("release A", "park"), ("idle-ended A", "was idle"),
                ("idle-ended A", "was not idle"), ("acquire b", "connect"),
            ], open: 1),
        Script(
            testDescription: "idle ones can be taken out, busy ones stay",
            steps: [
                ("acquire a", "connect"), ("acquire b", "connect"), ("release A", "park"), ("take", "A"), ("take", ""),
                ("acquire c", "connect"), ("acquire d", "wait"),
            ], open: 2),
        Script(
            testDescription: "a maximum of none is one", maximum: 0,
            steps: [("acquire a", "connect"), ("acquire b", "wait")], open: 1),
    ]

    @Test("whatever happens, the maximum holds and nobody waits beside an idle connection", arguments: 1...4)
    func randomWalk(maximum: Int) {
        var random = SeededGenerator(seed: UInt64(maximum))
        var machine = UpstreamPoolStateMachine<Name, Name>(maximum: maximum, maximumWaiting: 3)
        var connecting = 0
        var busy: [Name] = []
        var idle: [Name] = []
        var waiting: [Name] = []
        func apply(_ action: UpstreamPoolStateMachine<Name, Name>.ReleaseAction) {
            switch action {
            case .hand(let connection, let waiter):
                let first = waiting.removeFirst()
                #expect(waiter === first)
                busy.append(connection)
            case .park: #expect(waiting.isEmpty)
            case .close: #expect(waiting.isEmpty)
            case .closeAndConnect(let waiter):
                let first = waiting.removeFirst()
                #expect(waiter === first)
                connecting += 1
            }
        }
        for _ in 0..<5000 {
            switch Int.random(in: 0..<7, using: &random) {
            case 0, 1:
                let waiter = Name("waiter")
                switch machine.acquire(waiter, fresh: false) {
                case .use(let connection):
                    let last = idle.removeLast()
                    #expect(connection === last)
                    busy.append(connection)
                case .connect: connecting += 1
                case .wait: waiting.append(waiter)
                case .refuse: #expect(waiting.count == 3)
                }
            case 2 where connecting > 0:
                connecting -= 1
                busy.append(Name("connection"))
            case 3 where connecting > 0:
                connecting -= 1
                apply(machine.closed())
            case 4 where !busy.isEmpty:
                let connection = busy.remove(at: Int.random(in: 0..<busy.count, using: &random))
                if waiting.isEmpty { idle.append(connection) }
                apply(machine.released(connection, isReusable: true))
            case 5 where !busy.isEmpty:
                busy.removeLast()
                apply(machine.closed())
            case 6 where !idle.isEmpty:
                let connection = idle.remove(at: Int.random(in: 0..<idle.count, using: &random))
                let wasIdle = machine.idleEnded(connection)
                #expect(wasIdle)
            default:
                if let waiter = waiting.popLast() { machine.gaveUp(waiter) }
            }
            #expect(machine.openCount == connecting + busy.count + idle.count)
            #expect(machine.openCount <= maximum)
            #expect(machine.idleCount == idle.count && machine.waitingCount == waiting.count)
            #expect(waiting.isEmpty || idle.isEmpty)
        }
    }
}
