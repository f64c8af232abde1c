// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many requests to the console may be in progress, so that the others always have room: health, metrics and the probe.
package final class DoorSlots: Sendable {
    private struct Counts {
        var requests = 0
        var streams = 0
    }

    private let counts = Mutex(Counts())

    package init() {}

    /// One place; given back when nothing refers to it any more.
    package final class Slot: Sendable {
        private let slots: DoorSlots
        private let isStream: Bool

        fileprivate init(_ slots: DoorSlots, isStream: Bool) {
            self.slots = slots
            self.isStream = isStream
        }

        deinit {
            slots.counts.withLock { counts in
                if isStream { counts.streams -= 1 } else { counts.requests -= 1 }
            }
        }
    }

    /// A place for a request; nil: all are taken.
    package func take() -> Slot? {
        counts.withLock { counts in
            guard counts.requests < Self.maximumRequests else { return nil }
            counts.requests += 1
            return Slot(self, isStream: false)
        }
    }

    /// A place for a stream of events, besides that of its request; nil: all are taken.
    package func takeStream() -> Slot? {
        counts.withLock { counts in
            guard counts.streams < Self.maximumStreams else { return nil }
            counts.streams += 1
            return Slot(self, isStream: true)
        }
    }

    package static let maximumRequests = 32
    package static let maximumStreams = 16
}
