// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import TestSupport
import Testing

/// Each test in a process of its own, since the limit applies to the whole process.
@Suite("At the limit of descriptors", .timeLimit(.minutes(5)))
struct DescriptorLimitTests {
    @Test(
        "accepting pauses without spinning, live connections are served, and accepting resumes when there is room (batched)"
    )
    func batched() async {
        await #expect(processExitsWith: .success) { try await Self.acceptAtTheLimit(.batched) }
    }

    @Test(
        "accepting pauses without spinning, live connections are served, and accepting resumes when there is room (sources)"
    )
    func sources() async {
        await #expect(processExitsWith: .success) { try await Self.acceptAtTheLimit(.sources) }
    }

    private static func acceptAtTheLimit(_ kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        try await warmUp(loop)
        let door = try await Door(Link.v4.anyAddress, on: loop)
        let live = try Peer(door.address)
        let (near, _) = try await door.accepted.next()
        try await near.run { $0.reaction = { recorder, _ in _ = recorder.transport.write([7].span) } }
        let waiting = try (0..<3).map { _ in Peer(owning: try Peer.open(AF_INET)) }

        let limit = DescriptorLimit()
        limit.allow(0)
        #expect(dup(live.raw) == -1)

        let start = MonotonicTime.current()
        for peer in waiting { try peer.connect(to: door.address) }
        #expect(try await door.paused.next() == SystemError("", EMFILE))
        for _ in 0..<4 {
            try live.write([1])
            #expect(try live.read() == [7], "live connections are served")
            #expect(try await door.paused.next() == SystemError("", EMFILE), "it tries again")
        }
        // Each attempt is followed by a pause of 50 ms.
        let (pauses, elapsed) = try await door.run { ($1.pauses.count, loop.now.since(start)) }
        #expect(pauses <= 2 + Int(elapsed.count / 50_000_000))
        #expect(try await door.run { $1.count } == 1)

        limit.restore()
        for (near, _) in try await door.accepted.next(3) {
            try await near.run { $0.reaction = { recorder, _ in _ = recorder.transport.write([8].span) } }
        }
        for peer in waiting {
            try peer.write([1])
            #expect(try peer.read() == [8])
        }
        loop.shutDown()
    }

    @Test("a connection that cannot be opened is an error, and leaves nothing open (batched)")
    func connectingInBatches() async {
        await #expect(processExitsWith: .success) { try await Self.connectAtTheLimit(.batched) }
    }

    @Test("a connection that cannot be opened is an error, and leaves nothing open (sources)")
    func connectingWithSources() async {
        await #expect(processExitsWith: .success) { try await Self.connectAtTheLimit(.sources) }
    }

    private static func connectAtTheLimit(_ kind: EventLoop.Kind) async throws {
        let loop = EventLoop(kind)
        try await warmUp(loop)
        let listener = try PlainListener(Link.v4.anyAddress)
        let limit = DescriptorLimit()
        let outcome = Mailbox<SystemError?>()
        // Room for none; then for the socket, but (with sources) not for both that Dispatch watches.
        for room in 0..<(kind == .sources ? 3 : 1) {
            limit.allow(room)
            loop.submit {
                Connector(to: [listener.address], timeout: .seconds(10), loop: loop) { result in
                    if case .failure(let error) = result { outcome.send(error) } else { outcome.send(nil) }
                }
            }
            #expect(try await outcome.next() == SystemError("", EMFILE))
            limit.allow(1)
            let free = dup(listener.raw)
            #expect(free == limit.lowest)
            close(free)
        }
        limit.restore()
        loop.shutDown()
    }

    /// Dispatch opens descriptors of its own with the first event and the first timer, and the test's process closes
    /// some as it starts.
    private static func warmUp(_ loop: EventLoop) async throws {
        let fired = Mailbox<Void>()
        loop.submit { loop.makeTimer { fired.send() }.set(loop.now.advanced(by: .milliseconds(100))) }
        try await fired.next()
    }
}

/// This process's limit of descriptors, by those still free.
struct DescriptorLimit {
    /// The lowest free number; all below it are taken.
    let lowest: Int32
    private let original: rlimit

    init() {
        var limits = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        original = limits
        lowest = dup(0)
        close(lowest)
    }

    /// Leaves room for so many.
    func allow(_ count: Int) {
        var limits = rlimit(rlim_cur: rlim_t(Int(lowest) + count), rlim_max: original.rlim_max)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    }

    func restore() {
        var limits = original
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    }
}
