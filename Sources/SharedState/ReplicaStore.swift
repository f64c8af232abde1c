// SPDX-License-Identifier: Apache-2.0

import Reactor

/// The store that all replicas of a gate share. Another kind of store is another type that conforms to this protocol;
/// nothing else in the project knows which one is in use.
package protocol ReplicaStore: AnyObject, Sendable {
    /// Opens a connection of `loop`; called on that loop. It connects at once, and again after each loss.
    func connect(on loop: EventLoop) -> any ReplicaConnection

    /// Opens a channel of `loop` to all replicas; called on that loop.
    func channel(on loop: EventLoop, _ events: ReplicaChannelEvents) -> any ReplicaChannel

    /// Logs that the store failed. Repeated failures are logged at intervals.
    ///
    /// - Parameter purpose: what the operation was for.
    func report(_ failure: ReplicaFailure, _ purpose: String)
}

/// A loop's connection to the store. Confined to its loop; each completion is called there exactly once, and never
/// before the call returns.
package protocol ReplicaConnection: AnyObject {
    /// Records all of `keys` in one atomic step, unless one of them is recorded already: then none is, and the result is
    /// false.
    func consume(_ keys: [ReplicaKey], timeToLive: Double, _ completion: @escaping ReplicaCompletion<Bool>)

    /// Whether one of `keys` is recorded. Records nothing.
    func isConsumed(_ keys: [ReplicaKey], _ completion: @escaping ReplicaCompletion<Bool>)

    /// The value of `key`, or nil.
    ///
    /// - Parameters:
    ///   - limit: a longer value is a failure.
    ///   - extension: extends the value's time to live in the same atomic step; nil: leaves it unchanged.
    func get(
        _ key: ReplicaKey, atMost limit: Int, extending extension: TimeToLiveExtension?,
        _ completion: @escaping ReplicaCompletion<[UInt8]?>)

    func put(
        _ key: ReplicaKey, _ value: [UInt8], timeToLive: Double, _ completion: @escaping ReplicaCompletion<Void>)

    /// Best effort: a key that could not be deleted expires by itself.
    func delete(_ key: ReplicaKey)

    /// Writes records of a table in one step. A record replaces the one of its name. When the table is full, those that
    /// expire first go.
    ///
    /// - Parameters:
    ///   - records: at most a few hundred.
    ///   - now: seconds since 1970.
    func record(
        _ records: [ReplicaRecord], in table: ReplicaTable, now: Double,
        _ completion: @escaping ReplicaCompletion<Void>)

    /// Best effort: a record that could not be removed expires by itself.
    func remove(_ names: [[UInt8]], from table: ReplicaTable)

    /// Some of the records of a table.
    ///
    /// - Parameter cursor: of the page before; nil: the first. A record may come twice.
    func page(
        of table: ReplicaTable, from cursor: ReplicaCursor?, _ completion: @escaping ReplicaCompletion<ReplicaPage>)

    /// Closes the connection; operations in flight fail.
    func close()
}

/// Messages that reach every replica. A message is retained until it expires, so that a replica that starts, or whose
/// connection was lost, receives it then. Confined to its loop.
package protocol ReplicaChannel: AnyObject {
    /// A broadcast sent now would not have to wait for a connection.
    var isReady: Bool { get }

    /// Sends `message` to all replicas, this one included.
    ///
    /// - Parameters:
    ///   - expiresAt: seconds since 1970.
    ///   - completion: true when the message is retained; false when it was sent, but there was no room to retain it.
    func broadcast(_ message: [UInt8], expiresAt: Double, _ completion: @escaping ReplicaCompletion<Bool>)

    /// Deletes a stored value, on the connection that broadcasts. Best effort.
    func delete(_ key: ReplicaKey)

    /// Receives all retained messages again.
    func receiveRetained()

    /// Closes its connections.
    func close()
}

package struct ReplicaChannelEvents {
    /// Messages from any replica; the same one may come more than once.
    package var received: ([[UInt8]]) -> Void
    /// Broadcasts can be sent, after there was no connection.
    package var connected: () -> Void
    /// All messages retained at the start were received; called once.
    package var loaded: () -> Void

    package init(
        received: @escaping ([[UInt8]]) -> Void, connected: @escaping () -> Void, loaded: @escaping () -> Void
    ) {
        self.received = received
        self.connected = connected
        self.loaded = loaded
    }
}

package typealias ReplicaCompletion<Value> = (Result<Value, ReplicaFailure>) -> Void

/// What a value is stored under: its kind, and an identifier of any bytes.
package struct ReplicaKey: Hashable, Sendable {
    /// The names are part of the keys in the store, so replicas of different versions must agree on them.
    package enum Kind: String, Sendable {
        case token
        case session
        case notifiedUser = "told"
    }

    package let kind: Kind
    package let identifier: [UInt8]
    /// Keys that one operation names together have the same group, so that a store that is divided among servers keeps them
    /// on one of them. nil: the key is always alone.
    package let group: [UInt8]?

    package init(_ kind: Kind, _ identifier: [UInt8], group: [UInt8]? = nil) {
        self.kind = kind
        self.identifier = identifier
        self.group = group
    }
}

/// A table of records that all replicas write and read. All of it has one place in the store.
package enum ReplicaTable: String, Sendable {
    /// The name is part of the keys in the store, so replicas of different versions must agree on it.
    case seenSessions = "seen"

    /// The most records that it holds.
    var capacity: Int { 100_000 }
}

package struct ReplicaRecord: Sendable {
    package var name: [UInt8]
    package var value: [UInt8]
    /// Seconds since 1970.
    package var expiresAt: Double

    package init(name: [UInt8], value: [UInt8], expiresAt: Double) {
        self.name = name
        self.value = value
        self.expiresAt = expiresAt
    }
}

package struct ReplicaPage: Sendable {
    /// Of the next page; nil: there is none.
    package var next: ReplicaCursor?
    package var values: [[UInt8]]

    package init(next: ReplicaCursor?, values: [[UInt8]]) {
        self.next = next
        self.values = values
    }
}

/// A place in a table, for the store that has returned it.
package struct ReplicaCursor: Sendable {
    let number: UInt64
    /// The server whose cursor it is.
    let server: UInt64
}

/// Extends a time to live that is at most `threshold` to `timeToLive`, both in seconds.
package struct TimeToLiveExtension: Sendable {
    package var threshold: Double
    package var timeToLive: Double

    package init(threshold: Double, timeToLive: Double) {
        self.threshold = threshold
        self.timeToLive = timeToLive
    }
}

/// Why the store did not complete an operation; for the log.
package struct ReplicaFailure: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
