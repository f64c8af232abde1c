// SPDX-License-Identifier: Apache-2.0

/// What happened to a descriptor.
package struct ReadinessEvents: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let readable = ReadinessEvents(rawValue: 1)
    package static let writable = ReadinessEvents(rawValue: 2)
    /// The peer will send no more (it closed, or half-closed); what it sent before may still wait to be read.
    package static let peerClosed = ReadinessEvents(rawValue: 4)
    /// The descriptor failed or is closed in both directions.
    package static let failed = ReadinessEvents(rawValue: 8)
}

/// Hears of one descriptor's readiness, on its loop.
package protocol ReadinessObserver: AnyObject {
    func descriptorReady(_ events: ReadinessEvents)
}

/// A descriptor's place in the loop's set. The generation tells a descriptor from an earlier one with the same number,
/// for which an event may still wait in the batch being handled.
package struct Registration: Equatable, Sendable {
    package let descriptor: Int32
    package let generation: UInt32

    package init(descriptor: Int32, generation: UInt32) {
        self.descriptor = descriptor
        self.generation = generation
    }
}

/// How a loop learns which of its descriptors are ready. Two kinds behind one type: ``EpollReadiness`` watches all in
/// batches; ``SourceReadiness`` has Dispatch sources for each, for systems without epoll.
///
/// Reading is edge-like: an observer told `readable` reads until the descriptor would block, or remembers that it did
/// not. Read interest is always on; ``setReading(_:of:)`` lets a kind that would otherwise repeat itself be quiet.
package class Readiness {
    package init() {}

    /// Starts watching for reading. The observer is held until ``remove(_:)``.
    package func add(_ descriptor: Int32, _ observer: any ReadinessObserver) throws(SystemError) -> Registration {
        preconditionFailure("Readiness is abstract")
    }

    /// Watches for room to write only while somebody waits for it.
    package func setWriting(_ wanted: Bool, of registration: Registration) {
        preconditionFailure("Readiness is abstract")
    }

    /// Says that the observer will not read for a while, or will again; after `true` it tries to read by itself.
    package func setReading(_ wanted: Bool, of registration: Registration) {
        preconditionFailure("Readiness is abstract")
    }

    /// Stops watching; call before the descriptor is closed. No event reaches the observer after this.
    package func remove(_ registration: Registration) {
        preconditionFailure("Readiness is abstract")
    }

    /// Releases everything; the loop has ended.
    package func cancel() {
        preconditionFailure("Readiness is abstract")
    }
}
