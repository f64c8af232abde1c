// SPDX-License-Identifier: Apache-2.0

import Reactor
import Sidecar
import Testing

@Suite("The app's answers about a user")
struct ProvisioningPolicyTests {
    private static let start = MonotonicTime(nanoseconds: 1_000_000_000)

    @Test(
        "answers decide, or are worth asking again",
        arguments: [
            (.status(200), .agreed), (.status(201), .agreed), (.status(204), .agreed), (.status(299), .agreed),
            (.status(402), .noSeat), (.status(403), .noSeat), (.status(409), .noSeat),
            (.status(408), .again(after: .milliseconds(200))), (.status(429), .again(after: .milliseconds(200))),
            (.status(500), .again(after: .milliseconds(200))), (.status(503), .again(after: .milliseconds(200))),
            (.status(599), .again(after: .milliseconds(200))), (.none, .again(after: .milliseconds(200))),
            (.status(301), .failed), (.status(302), .failed), (.status(400), .failed), (.status(401), .failed),
            (.status(404), .failed), (.status(422), .failed), (.status(600), .failed), (.status(0), .failed),
        ] as [(ProvisioningPolicy.Answer, ProvisioningPolicy.Step)])
    func answers(answer: ProvisioningPolicy.Answer, step: ProvisioningPolicy.Step) {
        var policy = ProvisioningPolicy(Self.start)
        #expect(policy.begin(Self.start) == .seconds(5))
        #expect(policy.step(after: answer, Self.start) == step)
    }

    @Test("three attempts, with longer pauses, and then it has failed")
    func attempts() {
        var policy = ProvisioningPolicy(Self.start)
        _ = policy.begin(Self.start)
        #expect(policy.step(after: .status(503), Self.start) == .again(after: .milliseconds(200)))
        _ = policy.begin(Self.start)
        #expect(policy.step(after: .none, Self.start) == .again(after: .seconds(1)))
        _ = policy.begin(Self.start)
        #expect(policy.step(after: .status(503), Self.start) == .failed)
    }

    @Test("ten seconds in all, however slow the app is")
    func total() {
        var policy = ProvisioningPolicy(Self.start)
        _ = policy.begin(Self.start)
        var now = Self.start.advanced(by: .seconds(5))
        #expect(policy.step(after: .none, now) == .again(after: .milliseconds(200)))
        now = now.advanced(by: .milliseconds(200))
        #expect(policy.begin(now) == .milliseconds(4800))
        now = now.advanced(by: .milliseconds(4800))
        #expect(policy.step(after: .none, now) == .failed)
        // An answer that came in the last moment counts.
        #expect(policy.step(after: .status(200), now) == .agreed)
    }

    @Test("so many users are remembered, and the oldest forgotten")
    func users() {
        var users = ProvisionedUsers(limit: 3)
        func key(_ number: UInt8) -> ProvisionedUsers.Key {
            ProvisionedUsers.Key([UInt8](repeating: 0, count: 31) + [number])
        }
        for number in 1...3 as ClosedRange<UInt8> { users.insert(key(number)) }
        users.insert(key(1))
        #expect((1...4).map { users.contains(key($0)) } == [true, true, true, false])
        users.insert(key(4))
        #expect((1...4).map { users.contains(key($0)) } == [false, true, true, true])
        for number in 5...200 as ClosedRange<UInt8> { users.insert(key(number)) }
        #expect(users.count == 3)
        #expect((197...200).map { users.contains(key($0)) } == [false, true, true, true])
    }

    @Test("users whose hashes differ anywhere are different users")
    func keys() {
        let zero = [UInt8](repeating: 0, count: 32)
        for index in zero.indices {
            var other = zero
            other[index] = 1
            #expect(ProvisionedUsers.Key(other) != ProvisionedUsers.Key(zero))
        }
        // Never more than 32 bytes count, and fewer break nothing.
        #expect(ProvisionedUsers.Key(zero + [1]) == ProvisionedUsers.Key(zero))
        #expect(ProvisionedUsers.Key([]) == ProvisionedUsers.Key(zero))
    }
}
