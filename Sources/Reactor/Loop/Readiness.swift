// SPDX-License-Identifier: Apache-2.0

/// Events of a descriptor.
package struct ReadinessEvents: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let readable = ReadinessEvents(rawValue: 1)
    package static let writable = ReadinessEvents(rawValue: 2)
    /// The peer will send no more (it closed, or half-closed); bytes sent before may still be unread.
    package static let peerClosed = ReadinessEvents(rawValue: 4)
    /// The descriptor failed or is closed in both directions.
    package static let failed = ReadinessEvents(rawValue: 8)
}

/// Receives the events of one descriptor, on its loop.
package protocol ReadinessObserver: AnyObject {
    func descriptorReady(_ events: ReadinessEvents)
}

/// A descriptor's slot in the loop's set. The generation distinguishes a descriptor from an earlier one with the same
/// number, which may still have an event in the current batch.
package struct Registration: Equatable, Sendable {
    package let descriptor: Int32
    package let generation: UInt32

    package init(descriptor: Int32, generation: UInt32) {
        self.descriptor = descriptor
        self.generation = generation
    }
}

/// Notifies a loop of ready descriptors. Two implementations: ``EpollReadiness`` watches all of them in batches;
/// ``SourceReadiness`` has Dispatch sources for each, for systems without epoll.
///
/// Reading is edge-triggered: an observer notified of `readable` reads until the descriptor would block, or remembers
/// that it did not. Read interest is always on; ``setReading(_:of:)`` pauses an implementation that would otherwise
/// repeat the event.
package class Readiness {
    package init() {}

    /// Starts watching for reading. The observer is retained until ``remove(_:)``.
    ///
    /// - Parameter isFirst: see ``EventLoop/add(_:_:isFirst:)``.
    package func add(
        _ descriptor: Int32, _ observer: any ReadinessObserver, isFirst: Bool
    ) throws(SystemError) -> Registration {
        preconditionFailure("Readiness is abstract")
    }

    /// Watches for room to write, only while it is needed. False: the kernel refused, and there will be no event.
    package func setWriting(_ wanted: Bool, of registration: Registration) -> Bool {
        preconditionFailure("Readiness is abstract")
    }

    /// Pauses or resumes read events; after `true` the observer must try to read without an event.
    package func setReading(_ wanted: Bool, of registration: Registration) {
        preconditionFailure("Readiness is abstract")
    }

    /// Stops watching; call before the descriptor is closed. The observer gets no event after this.
    package func remove(_ registration: Registration) {
        preconditionFailure("Readiness is abstract")
    }

    /// Releases everything; the loop has ended.
    package func cancel() {
        preconditionFailure("Readiness is abstract")
    }
}
