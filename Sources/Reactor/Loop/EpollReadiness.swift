// SPDX-License-Identifier: Apache-2.0

import CEpoll
import Glibc

/// Readiness in batches: one epoll set for the loop, edge-triggered, drained by ``EventLoop`` (epoll(7)).
@safe
package final class EpollReadiness: Readiness {
    private struct Slot {
        var observer: (any ReadinessObserver)?
        var generation: UInt32 = 0
        var isFirst = false
    }

    /// The set itself; a Dispatch read source watches it.
    let set: FileDescriptor
    /// Indexed by descriptor: numbers are small and dense (open(2) gives the lowest free one).
    private var slots: [Slot] = []
    private let events: UnsafeMutableBufferPointer<epoll_event>

    package override init() {
        let descriptor = sidegate_epoll_create()
        precondition(descriptor >= 0, "without an epoll set no event loop can run")
        set = FileDescriptor(owning: descriptor)
        unsafe events = .allocate(capacity: Self.batchSize)
    }

    deinit {
        unsafe events.deallocate()
    }

    package override func add(
        _ descriptor: Int32, _ observer: any ReadinessObserver, isFirst: Bool
    ) throws(SystemError) -> Registration {
        precondition(descriptor >= 0, "only an open descriptor can be watched")
        let index = Int(descriptor)
        while slots.count <= index { slots.append(Slot()) }
        slots[index].generation &+= 1
        let registration = Registration(descriptor: descriptor, generation: slots[index].generation)
        guard control(EPOLL_CTL_ADD, registration, Self.readInterest) == 0 else { throw SystemError("epoll_ctl") }
        slots[index].observer = observer
        slots[index].isFirst = isFirst
        return registration
    }

    package override func setWriting(_ wanted: Bool, of registration: Registration) -> Bool {
        // Modifying re-arms the edge: if there is room already, the event comes with the next batch.
        let interest = wanted ? Self.readInterest | sidegate_epoll_writable : Self.readInterest
        return control(EPOLL_CTL_MOD, registration, interest) == 0
    }

    /// Edge-triggered reading does not repeat itself.
    package override func setReading(_ wanted: Bool, of registration: Registration) {}

    package override func remove(_ registration: Registration) {
        let index = Int(registration.descriptor)
        guard index < slots.count, slots[index].generation == registration.generation else { return }
        // Released after the change: the observer's deinitializer may use the loop.
        let released = slots[index].observer
        defer { withExtendedLifetime(released) {} }
        slots[index].observer = nil
        slots[index].generation &+= 1
        // No EPOLL_CTL_DEL: the caller closes the descriptor, which takes it out of the set.
    }

    package override func cancel() {
        let released = slots
        slots = []
        withExtendedLifetime(released) {}
    }

    /// Waits at most `milliseconds` for events. Returns how many there are for ``deliver(_:)``.
    func wait(_ milliseconds: Int32) -> Int {
        // An interrupted wait (EINTR) is a wait without events.
        Int(max(0, unsafe epoll_wait(set.raw, events.baseAddress, Int32(Self.batchSize), milliseconds)))
    }

    /// Notifies the observers of the last wait's events.
    func deliver(_ count: Int) {
        deliver(count, first: true)
        deliver(count, first: false)
    }

    @inline(__always)
    private func deliver(_ count: Int, first: Bool) {
        for position in 0..<min(count, Self.batchSize) {
            // position < batchSize, the buffer's size.
            let token = unsafe sidegate_epoll_token(&events[position])
            let flags = unsafe events[position].events
            let index = Int(truncatingIfNeeded: token & 0xffff_ffff)
            guard index < slots.count, slots[index].isFirst == first,
                slots[index].generation == UInt32(truncatingIfNeeded: token >> 32)
            else { continue }
            slots[index].observer?.descriptorReady(Self.translate(flags))
        }
    }

    private func control(_ operation: Int32, _ registration: Registration, _ interest: UInt32) -> Int32 {
        let token = UInt64(registration.generation) << 32 | UInt64(UInt32(bitPattern: registration.descriptor))
        return sidegate_epoll_ctl(set.raw, operation, registration.descriptor, interest, token)
    }

    private static func translate(_ flags: UInt32) -> ReadinessEvents {
        var events: ReadinessEvents = []
        if flags & sidegate_epoll_readable != 0 { events.insert(.readable) }
        if flags & sidegate_epoll_writable != 0 { events.insert(.writable) }
        if flags & sidegate_epoll_peer_closed != 0 { events.insert(.peerClosed) }
        if flags & sidegate_epoll_failed != 0 { events.insert(.failed) }
        return events
    }

    private static let readInterest = sidegate_epoll_readable | sidegate_epoll_peer_closed | sidegate_epoll_edge
    private static let batchSize = 256
}
