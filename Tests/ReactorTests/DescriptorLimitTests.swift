// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import Testing

/// Each test in a process of its own, since the limit is the whole process's.
@Suite("At the limit of descriptors", .timeLimit(.minutes(1)))
struct DescriptorLimitTests {
    @Test("accepting pauses without spinning, live connections are served, and it goes on when there is room (batched)")
    func batched() async {
        await #expect(processExitsWith: .success) { try await Self.acceptAtTheLimit(.batched) }
    }

    @Test("accepting pauses without spinning, live connections are served, and it goes on when there is room (sources)")
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

        // The lowest free number becomes the limit: all below it are taken.
        var limits = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        let lowest = dup(live.raw)
        close(lowest)
        var low = rlimit(rlim_cur: rlim_t(lowest), rlim_max: limits.rlim_max)
        #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &low) == 0)
        #expect(dup(live.raw) == -1)

        let start = MonotonicTime.current()
        let before = cpuTime()
        for peer in waiting { try peer.connect(to: door.address) }
        #expect(try await door.paused.next() == SystemError("", EMFILE))
        for _ in 0..<4 {
            try live.write([1])
            #expect(try live.read() == [7], "live connections are served")
            #expect(try await door.paused.next() == SystemError("", EMFILE), "it tries again")
        }
        let elapsed = MonotonicTime.current().since(start)
        // Each try is followed by 50 ms of rest.
        let pauses = try await door.run { $1.pauses.count }
        #expect(pauses <= 2 + Int(elapsed.count / 50_000_000))
        #expect(cpuTime() - before < elapsed.seconds / 2, "the loop spins")
        #expect(try await door.run { $1.count } == 1)

        #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0)
        for (near, _) in try await door.accepted.next(3) {
            try await near.run { $0.reaction = { recorder, _ in _ = recorder.transport.write([8].span) } }
        }
        for peer in waiting {
            try peer.write([1])
            #expect(try peer.read() == [8])
        }
        loop.shutDown()
    }

    @Test("a connection that cannot be opened is an error")
    func connecting() async {
        await #expect(processExitsWith: .success) {
            for kind in EventLoop.Kind.allCases {
                let loop = EventLoop(kind)
                try await Self.warmUp(loop)
                let listener = try PlainListener(Link.v4.anyAddress)
                var limits = rlimit()
                unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
                let lowest = dup(listener.raw)
                close(lowest)
                let outcome = Mailbox<SystemError?>()
                // Room for none; then for the socket, but (with sources) not for what Dispatch watches.
                for room in 0..<(kind == .sources ? 3 : 1) {
                    var low = rlimit(rlim_cur: rlim_t(Int(lowest) + room), rlim_max: limits.rlim_max)
                    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &low)
                    loop.submit {
                        Connector(to: [listener.address], timeout: .seconds(10), loop: loop) { result in
                            if case .failure(let error) = result { outcome.send(error) } else { outcome.send(nil) }
                        }
                    }
                    let error = try await outcome.next()
                    #expect(error == SystemError("", EMFILE))
                    // Nothing was left open by the failure.
                    low.rlim_cur = rlim_t(lowest + 1)
                    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &low)
                    let free = dup(listener.raw)
                    #expect(free == lowest)
                    close(free)
                }
                unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
                loop.shutDown()
            }
        }
    }

    /// Dispatch opens descriptors of its own with the first event and the first timer.
    private static func warmUp(_ loop: EventLoop) async throws {
        let fired = Mailbox<Void>()
        loop.submit { loop.makeTimer { fired.send() }.set(loop.now.advanced(by: .milliseconds(1))) }
        try await fired.next()
    }
}
