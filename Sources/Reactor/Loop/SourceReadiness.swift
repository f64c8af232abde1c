// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// Readiness by Dispatch sources, one or two for each descriptor: slower (about twice the CPU for an event), and for
/// systems without epoll. The sources watch a duplicate, closed by their cancel handlers, since a descriptor must stay
/// open until Dispatch has released it.
package final class SourceReadiness: Readiness {
    private final class Slot {
        let generation: UInt32
        let observer: any ReadinessObserver
        let reading: any DispatchSourceRead
        let writing: any DispatchSourceWrite
        var isReading = true
        var isWriting = false

        init(
            generation: UInt32, observer: any ReadinessObserver, reading: any DispatchSourceRead,
            writing: any DispatchSourceWrite
        ) {
            self.generation = generation
            self.observer = observer
            self.reading = reading
            self.writing = writing
        }

        func cancel() {
            // Releasing a suspended source crashes, so both run when they end.
            if !isReading { reading.resume() }
            if !isWriting { writing.resume() }
            isReading = true
            isWriting = true
            reading.cancel()
            writing.cancel()
        }
    }

    private let queue: DispatchQueue
    private let afterEvent: @Sendable () -> Void
    private var slots: [Int32: Slot] = [:]
    private var lastGeneration: UInt32 = 0

    /// `afterEvent` runs after each event, on `queue`.
    package init(queue: DispatchQueue, afterEvent: @escaping @Sendable () -> Void) {
        self.queue = queue
        self.afterEvent = afterEvent
    }

    /// Dispatch decides on the order of events; `isFirst` has no effect.
    package override func add(
        _ descriptor: Int32, _ observer: any ReadinessObserver, isFirst: Bool
    ) throws(SystemError) -> Registration {
        let reading = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard reading >= 0 else { throw SystemError("fcntl") }
        let writing = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard writing >= 0 else {
            let error = SystemError("fcntl")
            close(reading)
            throw error
        }
        lastGeneration &+= 1
        let registration = Registration(descriptor: descriptor, generation: lastGeneration)
        let slot = Slot(
            generation: lastGeneration, observer: observer,
            reading: DispatchSource.makeReadSource(fileDescriptor: reading, queue: queue),
            writing: DispatchSource.makeWriteSource(fileDescriptor: writing, queue: queue))
        slots[descriptor] = slot
        let bound = LoopBound(WeakReadiness(self), on: queue)
        let afterEvent = afterEvent
        slot.reading.setEventHandler { @Sendable in
            bound.assumeOnLoop { $0.owner?.deliver(to: registration, reading: true) }
            afterEvent()
        }
        slot.writing.setEventHandler { @Sendable in
            bound.assumeOnLoop { $0.owner?.deliver(to: registration, reading: false) }
            afterEvent()
        }
        slot.reading.setCancelHandler { @Sendable in close(reading) }
        slot.writing.setCancelHandler { @Sendable in close(writing) }
        slot.reading.resume()
        return registration
    }

    package override func setWriting(_ wanted: Bool, of registration: Registration) -> Bool {
        guard let slot = slot(registration), slot.isWriting != wanted else { return true }
        slot.isWriting = wanted
        if wanted { slot.writing.resume() } else { slot.writing.suspend() }
        return true
    }

    package override func setReading(_ wanted: Bool, of registration: Registration) {
        guard let slot = slot(registration), slot.isReading != wanted else { return }
        slot.isReading = wanted
        if wanted { slot.reading.resume() } else { slot.reading.suspend() }
    }

    package override func remove(_ registration: Registration) {
        guard let slot = slot(registration) else { return }
        slots[registration.descriptor] = nil
        slot.cancel()
    }

    package override func cancel() {
        // Released after the change: an observer's deinitializer may use the loop.
        let released = slots
        slots = [:]
        for slot in released.values { slot.cancel() }
    }

    private func slot(_ registration: Registration) -> Slot? {
        guard let slot = slots[registration.descriptor], slot.generation == registration.generation else { return nil }
        return slot
    }

    private func deliver(to registration: Registration, reading: Bool) {
        guard let slot = slot(registration) else { return }
        // Dispatch does not distinguish a hang-up from bytes, so the observer finds both by reading.
        slot.observer.descriptorReady(reading ? [.readable, .peerClosed] : .writable)
    }
}

private final class WeakReadiness {
    weak var owner: SourceReadiness?

    init(_ owner: SourceReadiness) {
        self.owner = owner
    }
}
