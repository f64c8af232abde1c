// SPDX-License-Identifier: Apache-2.0

import HTTP
import Proxy
import Reactor
import TestSupport
import Testing

@Suite("The count of connections to an app")
struct ConnectionLedgerTests {
    typealias State = ConnectionLedgerState

    static func client(_ number: UInt32) -> ClientNetwork { ClientNetwork(IPAddress(v4: 0x0A00_0000 | number)) }

    static func time(_ milliseconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: (1000 + milliseconds) * 1_000_000)
    }

    /// A state with members 1 and 2, and what it noted.
    static func state(limit: Int, waiting: Int = 1024) -> State {
        var state = State(limit: limit, maximumWaiting: waiting)
        state.join(1)
        state.join(2)
        return state
    }

    @Test("connections of all members count together")
    func countsTogether() {
        var state = Self.state(limit: 2)
        var notes: [State.Note] = []
        #expect(state.wait(1, 1, Self.client(1), hasIdle: false, Self.time(0), &notes) == .connect)
        #expect(state.wait(2, 1, Self.client(2), hasIdle: false, Self.time(0), &notes) == .connect)
        #expect(notes.isEmpty)
        #expect(state.wait(1, 2, Self.client(1), hasIdle: false, Self.time(0), &notes) == .wait)
        #expect(notes == [.contended(1, episode: 1), .contended(2, episode: 1)])
        notes = []
        // The other member's connection goes, and this one's waiter may open another.
        #expect(state.released(2, Self.time(1), &notes) == .close)
        #expect(notes == [.granted(1, State.Grant(waiter: 2, client: Self.client(1), episode: 1))])
        #expect(state.open == 2 && state.openCount(of: 1) == 2 && state.openCount(of: 2) == 0)
    }

    @Test("a connection that ends makes room for a waiting request, on the same worker or another", arguments: [1, 2])
    func closedMakesRoom(waiter: Int) {
        var state = Self.state(limit: 1)
        var notes: [State.Note] = []
        #expect(state.wait(1, 1, Self.client(1), hasIdle: false, Self.time(0), &notes) == .connect)
        #expect(state.wait(waiter, 2, Self.client(2), hasIdle: false, Self.time(0), &notes) == .wait)
        notes = []
        let grant = State.Grant(waiter: 2, client: Self.client(2), episode: 1)
        #expect(state.closed(1, Self.time(1), &notes) == (waiter == 1 ? grant : nil))
        #expect(notes == (waiter == 1 ? [] : [.granted(2, grant)]))
        #expect(state.open == 1 && state.waiterCount == 0)
    }

    @Test("freed connections go to the client that holds fewest, whatever came first")
    func fewestFirst() {
        var state = Self.state(limit: 4)
        var notes: [State.Note] = []
        for id in 1...4 { _ = state.wait(1, UInt64(id), Self.client(1), hasIdle: false, Self.time(0), &notes) }
        for id in 5...20 { _ = state.wait(1, UInt64(id), Self.client(1), hasIdle: false, Self.time(0), &notes) }
        // As the members report when the first one waits.
        for _ in 1...4 { state.hold(Self.client(1), 1) }
        #expect(state.wait(2, 1, Self.client(2), hasIdle: false, Self.time(5), &notes) == .wait)
        notes = []
        state.releaseHold(Self.client(1), 1)
        #expect(state.released(1, Self.time(6), &notes) == .close)
        #expect(notes == [.granted(2, State.Grant(waiter: 1, client: Self.client(2), episode: 1))])
        #expect(state.held(by: Self.client(1)) == 3 && state.held(by: Self.client(2)) == 1)
    }

    @Test("of equals a worker's own come first, but one in eight goes to the oldest of all")
    func localGrants() {
        var state = Self.state(limit: 1)
        var notes: [State.Note] = []
        _ = state.wait(1, 0, Self.client(1), hasIdle: false, Self.time(0), &notes)
        #expect(state.wait(2, 99, Self.client(1), hasIdle: false, Self.time(1), &notes) == .wait)
        for id in 1...20 { _ = state.wait(1, UInt64(id), Self.client(1), hasIdle: false, Self.time(2), &notes) }
        notes = []
        for id in 1...7 {
            let grant = State.Grant(waiter: UInt64(id), client: Self.client(1), episode: 1)
            #expect(state.released(1, Self.time(3), &notes) == .hand(grant))
        }
        #expect(state.released(1, Self.time(3), &notes) == .close)
        #expect(notes == [.granted(2, State.Grant(waiter: 99, client: Self.client(1), episode: 1))])
    }

    @Test("a full queue accepts a request in place of one of the client that has the most there")
    func displaces() {
        var state = Self.state(limit: 1, waiting: 3)
        var notes: [State.Note] = []
        for id in 0...3 { _ = state.wait(1, UInt64(id), Self.client(1), hasIdle: false, Self.time(0), &notes) }
        #expect(state.waiterCount == 3)
        #expect(state.wait(1, 4, Self.client(1), hasIdle: false, Self.time(0), &notes) == .refuse)
        notes = []
        #expect(state.wait(2, 1, Self.client(2), hasIdle: false, Self.time(0), &notes) == .wait)
        #expect(notes.contains(.displaced(1, 3)) && state.waiterCount == 3)
        #expect(state.wait(2, 2, Self.client(2), hasIdle: false, Self.time(0), &notes) == .refuse)
    }

    @Test("beyond its share is a client only while another one's request has waited")
    func share() {
        var state = Self.state(limit: 4)
        var notes: [State.Note] = []
        for id in 1...4 { _ = state.wait(1, UInt64(id), Self.client(1), hasIdle: false, Self.time(0), &notes) }
        _ = state.wait(1, 5, Self.client(1), hasIdle: false, Self.time(0), &notes)
        for _ in 1...3 { state.hold(Self.client(1), 1) }
        func isBeyond(_ client: UInt32, _ milliseconds: UInt64) -> Bool {
            state.isBeyondShare(
                Self.client(client), share: 0.5, requests: 1, othersSince: Self.time(milliseconds), Self.time(2000))
        }
        #expect(!isBeyond(1, 1000), "nobody else waits")
        _ = state.wait(2, 1, Self.client(2), hasIdle: false, Self.time(100), &notes)
        #expect(!isBeyond(1, 99))
        #expect(isBeyond(1, 100))
        state.releaseHold(Self.client(1), 1)
        #expect(!isBeyond(1, 100), "two of four are its share")
    }

    @Test("several clients, each within its share, are beyond an even one while another waits")
    func evenShare() {
        var state = Self.state(limit: 8)
        var notes: [State.Note] = []
        for id in 1...8 { _ = state.wait(1, UInt64(id), Self.client(1), hasIdle: false, Self.time(0), &notes) }
        _ = state.wait(1, 9, Self.client(3), hasIdle: false, Self.time(0), &notes)
        for client in [UInt32(1), 2] { for _ in 1...4 { state.hold(Self.client(client), 1) } }
        func isBeyond(_ client: UInt32) -> Bool {
            state.isBeyondShare(
                Self.client(client), share: 0.5, requests: 1, othersSince: Self.time(100), Self.time(200))
        }
        #expect(isBeyond(1) && isBeyond(2))
        for client in [UInt32(1), 2] { for _ in 1...2 { state.releaseHold(Self.client(client), 1) } }
        #expect(!isBeyond(1) && !isBeyond(2), "two of eight, for three clients")
    }

    @Test("a limit that changes counts at once, with what is open already")
    func limitChanges() {
        var state = Self.state(limit: 1)
        var notes: [State.Note] = []
        for id in 1...3 { _ = state.wait(1, UInt64(id), Self.client(1), hasIdle: false, Self.time(0), &notes) }
        notes = []
        state.setLimit(2, Self.time(1), &notes)
        #expect(notes == [.granted(1, State.Grant(waiter: 2, client: Self.client(1), episode: 1))])
        state.setLimit(1, Self.time(1), &notes)
        #expect(state.released(1, Self.time(2), &notes) == .close, "one too many")
        #expect(state.open == 1 && state.waiterCount == 1)
        #expect(state.closed(1, Self.time(2), &notes)?.waiter == 3)
    }

    @Test("an episode ends a second after the last one waited, and reports of it count no more")
    func episodes() {
        var state = Self.state(limit: 1)
        var notes: [State.Note] = []
        _ = state.wait(1, 1, Self.client(1), hasIdle: false, Self.time(0), &notes)
        _ = state.wait(1, 2, Self.client(1), hasIdle: false, Self.time(0), &notes)
        #expect(state.look(Self.time(50)) == (1, .milliseconds(50)))
        #expect(state.closed(1, Self.time(60), &notes)?.waiter == 2)
        #expect(state.look(Self.time(1059)) == (1, .milliseconds(60)))
        #expect(state.look(Self.time(1060)) == (0, .milliseconds(60)))
        state.hold(Self.client(1), 1)
        #expect(state.held(by: Self.client(1)) == 0)
        _ = state.wait(2, 1, Self.client(1), hasIdle: false, Self.time(2000), &notes)
        #expect(state.episode == 2)
    }

    @Test("time counts for a while after the last waiter left without a connection")
    func grace() {
        var state = Self.state(limit: 1)
        var notes: [State.Note] = []
        _ = state.wait(1, 1, Self.client(1), hasIdle: false, Self.time(0), &notes)
        _ = state.wait(1, 2, Self.client(2), hasIdle: false, Self.time(0), &notes)
        state.cancel(2, of: 1, Self.client(2), Self.time(1000))
        #expect(state.look(Self.time(3500)) == (1, .milliseconds(3500)))
        _ = state.wait(1, 3, Self.client(2), hasIdle: false, Self.time(3800), &notes)
        #expect(state.look(Self.time(4000)) == (1, .milliseconds(4000)))
        state.cancel(3, of: 1, Self.client(2), Self.time(5000))
        #expect(state.look(Self.time(7999)) == (1, .milliseconds(7999)))
        #expect(state.look(Self.time(9000)) == (0, .milliseconds(8000)))
        _ = state.wait(1, 4, Self.client(2), hasIdle: false, Self.time(10_000), &notes)
        #expect(state.look(Self.time(10_001)) == (2, .milliseconds(8001)))
    }

    @Test("a client of which a request was ended as slow comes after others, and has no share, for a while")
    func penalty() {
        var state = Self.state(limit: 4)
        var notes: [State.Note] = []
        for id in 1...4 { _ = state.wait(1, UInt64(id), Self.client(1), hasIdle: false, Self.time(0), &notes) }
        state.penalize(Self.client(2), share: 0.5, requests: 1, Self.time(0), &notes)
        _ = state.wait(1, 5, Self.client(2), hasIdle: false, Self.time(1), &notes)
        for _ in 1...3 { state.hold(Self.client(1), 1) }
        state.hold(Self.client(2), 1)
        func isBeyond(_ client: UInt32, _ milliseconds: UInt64) -> Bool {
            state.isBeyondShare(
                Self.client(client), share: 0.5, requests: 1, othersSince: Self.time(1000), Self.time(milliseconds))
        }
        #expect(isBeyond(1, 1000))
        #expect(!isBeyond(2, 1000), "nobody else waits")
        _ = state.wait(1, 6, Self.client(3), hasIdle: false, Self.time(2), &notes)
        #expect(isBeyond(2, 1000), "one is beyond its share")
        #expect(!isBeyond(2, 300_000), "it was forgiven")
        #expect(state.closed(1, Self.time(1001), &notes)?.client == Self.client(3))
        #expect(state.closed(1, Self.time(1001), &notes)?.client == Self.client(2))
    }

    /// A limit of 4 that client 1 holds alone, with two more requests; of client 2 one waits. Then client 1 is penalized.
    private static func penalized(_ notes: inout [State.Note]) -> State {
        var state = Self.state(limit: 4)
        for id in 1...6 { _ = state.wait(1, UInt64(id), client(1), hasIdle: false, share: 0.5, time(0), &notes) }
        for _ in 1...4 { state.hold(client(1), 1) }
        _ = state.wait(2, 7, client(2), hasIdle: false, share: 0.5, time(1), &notes)
        notes = []
        state.penalize(client(1), share: 0.5, requests: 1, time(2), &notes)
        return state
    }

    @Test("a penalized client holds no more than its share, even while nobody else waits")
    func penaltyLimitsToShare() {
        var notes: [State.Note] = []
        var state = Self.penalized(&notes)
        func wait(_ number: UInt32, _ id: UInt64, _ milliseconds: UInt64, hasIdle: Bool = false) -> State.Wait {
            state.wait(1, id, Self.client(number), hasIdle: hasIdle, share: 0.5, Self.time(milliseconds), &notes)
        }
        // Its own requests that wait do not get what becomes free.
        #expect(notes == [.heldBack(1, 6), .heldBack(1, 5)])
        #expect(state.waiterCount == 1)
        state.releaseHold(Self.client(1), 1)
        #expect(state.closed(1, Self.time(3), &notes) == nil)
        #expect(notes.last == .granted(2, State.Grant(waiter: 7, client: Self.client(2), episode: 1)))
        #expect(state.waiterCount == 0)
        #expect(wait(1, 8, 4) == .holdBack)
        state.releaseHold(Self.client(1), 1)
        #expect(state.closed(1, Self.time(5), &notes) == nil)
        #expect(wait(1, 9, 6) == .holdBack, "a connection is free, but it holds two of four")
        #expect(wait(1, 9, 6, hasIdle: true) == .holdBack)
        #expect(state.waiterCount == 0, "no slow request of others is in its way")
        // Others are served as before.
        #expect(wait(3, 10, 7) == .connect)
        #expect(state.open == 4)
        state.releaseHold(Self.client(3), 1)
        #expect(state.closed(1, Self.time(8), &notes) == nil)
        // It gets another one for each that it gives back.
        state.releaseHold(Self.client(1), 1)
        #expect(state.released(1, Self.time(9), &notes) == .keep)
        #expect(wait(1, 11, 10, hasIdle: true) == .use)
        #expect(wait(1, 12, 11) == .holdBack)
        #expect(state.open == 3 && state.held(by: Self.client(1)) == 2)
        // Connections are counted by client until the penalty ends, though nobody waits.
        #expect(state.look(Self.time(300_001)).episode == 1)
        #expect(wait(1, 13, 300_001) == .holdBack)
        #expect(state.look(Self.time(300_002)).episode == 0)
        #expect(wait(1, 13, 300_002) == .connect)
    }

    @Test("a penalized client has at least one connection, and with a share of 1 all", arguments: [0.01, 0.5, 1])
    func shareOfPenalized(share: Double) {
        var state = Self.state(limit: 4)
        var notes: [State.Note] = []
        state.penalize(Self.client(1), share: share, requests: 1, Self.time(0), &notes)
        #expect(notes == [.contended(1, episode: 1), .contended(2, episode: 1)], "members report who holds what")
        let connected = (1...4).count { id in
            state.wait(1, UInt64(id), Self.client(1), hasIdle: false, share: share, Self.time(1), &notes) == .connect
        }
        #expect(connected == max(1, Int(4 * share)))
        #expect(state.waiterCount == 0)
    }

    @Test("over shared connections a penalized client's requests are counted")
    func shareOfStreams() {
        var state = Self.state(limit: 2)
        var notes: [State.Note] = []
        state.penalize(Self.client(1), share: 0.5, requests: 10, Self.time(0), &notes)
        for _ in 1...10 {
            #expect(state.holdsBack(Self.client(1), share: 0.5, requests: 10, Self.time(1)) == false)
            for client in [Self.client(1), Self.client(2)] { state.hold(client, 1) }
        }
        #expect(state.holdsBack(Self.client(1), share: 0.5, requests: 10, Self.time(1)) == true)
        #expect(state.holdsBack(Self.client(2), share: 0.5, requests: 10, Self.time(1)) == false)
        // The connection itself is for all.
        #expect(state.wait(1, 1, Self.client(1), hasIdle: false, Self.time(1), &notes) == .connect)
    }

    @Test("requests that are held back are in no other client's way")
    func heldBackClients() {
        var notes: [State.Note] = []
        var state = Self.penalized(&notes)
        #expect(state.heldBackClients(Self.time(900)) == [Self.client(1)])
        #expect(state.heldBackClients(Self.time(1002)) == [])
        #expect(state.wait(1, 8, Self.client(1), hasIdle: false, share: 0.5, Self.time(2000), &notes) == .holdBack)
        #expect(state.heldBackClients(Self.time(2100)) == [Self.client(1)])
        // Clients whose address is not known are not one client.
        state.penalize(.unknown, share: 0.5, requests: 1, Self.time(2200), &notes)
        for _ in 1...4 { state.hold(.unknown, 1) }
        #expect(state.holdsBack(.unknown, share: 0.5, requests: 1, Self.time(2300)) == false)
    }

    // MARK: Whatever happens

    /// A worker's pool as the ledger sees it.
    private struct Pool {
        var idle = 0
        /// Clients of the requests that hold a connection, or for which one is being opened; and the episode in which
        /// they were counted.
        var busy: [(client: ClientNetwork, episode: UInt64)] = []
        var waiting: [UInt64: ClientNetwork] = [:]
        var episode: UInt64 = 0
    }

    @Test("the limit holds, no request waits while there is room, and every grant is returned", arguments: 1...24)
    func randomWalk(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var limit = Int.random(in: 1...6, using: &random)
        var state = State(limit: limit, maximumWaiting: 8)
        var pools = [Pool](repeating: Pool(), count: Int.random(in: 1...4, using: &random))
        for member in pools.indices { state.join(member) }
        var now: UInt64 = 0
        var nextID: UInt64 = 0
        // Notes come late, and in the order of each member.
        var inFlight: [State.Note] = []

        func granted(_ grant: State.Grant, _ member: Int) {
            guard let client = pools[member].waiting.removeValue(forKey: grant.waiter) else {
                state.releaseHold(grant.client, grant.episode)
                return closed(member)
            }
            #expect(client == grant.client)
            pools[member].busy.append((grant.client, grant.episode))
        }
        func closed(_ member: Int) {
            if let grant = state.closed(member, Self.time(now), &inFlight) { granted(grant, member) }
        }
        func offer(_ member: Int) {
            switch state.released(member, Self.time(now), &inFlight) {
            case .keep: pools[member].idle += 1
            case .hand(let grant):
                #expect(pools[member].waiting[grant.waiter] == grant.client, "a waiter of its own, still waiting")
                granted(grant, member)
            case .close: break
            }
        }
        func releaseIdle(_ member: Int) {
            while pools[member].idle > 0 {
                pools[member].idle -= 1
                let before = pools[member].idle
                offer(member)
                if pools[member].idle > before { break }
            }
        }
        func finish(_ member: Int, keeps: Bool) {
            guard !pools[member].busy.isEmpty else { return }
            let index = Int.random(in: pools[member].busy.indices, using: &random)
            let (client, episode) = pools[member].busy.remove(at: index)
            state.releaseHold(client, episode)
            guard keeps else { return closed(member) }
            if pools[member].episode == 0, pools[member].waiting.isEmpty {
                pools[member].idle += 1
            } else {
                offer(member)
            }
        }
        func deliver(_ note: State.Note) {
            switch note {
            case .contended(let member, let episode):
                pools[member].episode = episode
                for index in pools[member].busy.indices where pools[member].busy[index].episode < episode {
                    pools[member].busy[index].episode = episode
                    state.hold(pools[member].busy[index].client, episode)
                }
                releaseIdle(member)
            case .releaseIdle(let member): releaseIdle(member)
            case .rotate: break
            case .granted(let member, let grant): granted(grant, member)
            case .displaced(let member, let id), .heldBack(let member, let id): pools[member].waiting[id] = nil
            }
        }
        func step() {
            let member = Int.random(in: pools.indices, using: &random)
            switch Int.random(in: 0..<12, using: &random) {
            case 0...3:
                if pools[member].episode == 0, pools[member].idle > 0 {
                    // Not reported while no request waits.
                    pools[member].idle -= 1
                    return pools[member].busy.append((Self.client(UInt32.random(in: 1...4, using: &random)), 0))
                }
                nextID += 1
                let client = Self.client(UInt32.random(in: 1...4, using: &random))
                switch state.wait(
                    member, nextID, client, hasIdle: pools[member].idle > 0, Self.time(now), &inFlight)
                {
                case .use:
                    pools[member].idle -= 1
                    pools[member].busy.append((client, state.episode))
                case .connect: pools[member].busy.append((client, state.episode))
                case .wait:
                    pools[member].waiting[nextID] = client
                    if pools[member].idle > 0 { releaseIdle(member) }
                case .refuse: #expect(state.waiterCount == 8)
                case .holdBack: break
                }
            case 4, 5: finish(member, keeps: true)
            case 6: finish(member, keeps: false)
            case 7:
                guard let (id, client) = pools[member].waiting.first else { return }
                pools[member].waiting[id] = nil
                state.cancel(id, of: member, client, Self.time(now))
            case 8:
                limit = Int.random(in: 1...6, using: &random)
                state.setLimit(limit, Self.time(now), &inFlight)
            case 9:
                now += UInt64.random(in: 1...1500, using: &random)
                pools[member].episode = state.look(Self.time(now)).episode == 0 ? 0 : pools[member].episode
            case 10 where pools[member].idle > 0:
                pools[member].idle -= 1
                closed(member)
            default:
                if !inFlight.isEmpty { deliver(inFlight.removeFirst()) }
            }
        }
        func check(_ comment: Comment) {
            let grants = inFlight.count { if case .granted = $0 { true } else { false } }
            let held = pools.reduce(0) { $0 + $1.idle + $1.busy.count }
            #expect(state.open == held + grants, comment)
            #expect(state.waiterCount == 0 || state.open >= state.limit, "nobody waits while there is room")
        }
        var most = 0
        for _ in 0..<4000 {
            let before = state.open
            step()
            // A lowered limit is kept by opening no more.
            #expect(state.open <= max(before, state.limit))
            most = max(most, state.waiterCount)
            check("after each step")
        }
        #expect(most > 0)
        // When the notes are delivered no request waits while a connection is idle.
        while !inFlight.isEmpty { deliver(inFlight.removeFirst()) }
        check("when all is delivered")
        #expect(state.waiterCount == 0 || pools.allSatisfy { $0.idle == 0 })
        #expect(state.waiterCount == pools.reduce(0) { $0 + $1.waiting.count })
        if state.episode != 0 {
            for number in 1...4 as ClosedRange<UInt32> {
                let counted = pools.flatMap(\.busy).count {
                    $0.client == Self.client(number) && $0.episode == state.episode
                }
                #expect(state.held(by: Self.client(number)) == counted)
            }
        }
        // All that is used comes to its end, and everybody is served.
        var rounds = 0
        while state.waiterCount > 0 || !inFlight.isEmpty || pools.contains(where: { !$0.busy.isEmpty }), rounds < 1000 {
            rounds += 1
            while !inFlight.isEmpty { deliver(inFlight.removeFirst()) }
            for member in pools.indices where !pools[member].busy.isEmpty { finish(member, keeps: rounds % 3 > 0) }
        }
        #expect(state.waiterCount == 0 && inFlight.isEmpty)
        for member in pools.indices { while pools[member].idle > 0 { pools[member].idle -= 1; closed(member) } }
        #expect(state.open == 0)
        for number in 1...4 as ClosedRange<UInt32> { #expect(state.held(by: Self.client(number)) == 0) }
    }
}
