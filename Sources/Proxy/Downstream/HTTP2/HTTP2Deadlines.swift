// SPDX-License-Identifier: Apache-2.0

import Reactor

/// The time limits of a client's HTTP/2 connection, with one timer for all of them.
struct HTTP2Deadlines {
    /// Something that has begun to arrive and has not ended; nothing else can be read until then.
    enum Unit: Equatable {
        /// A frame, or a header section.
        case frame(UInt32)
        /// DATA, and how much content has arrived on the connection: it is waited for while there is progress.
        case data(UInt32, content: UInt64)
        /// A record of TLS.
        case record(UInt64, mayHoldContent: Bool)

        func limit(_ limits: ConnectionLimits) -> Nanoseconds {
            switch self {
            case .frame, .record(_, mayHoldContent: false): limits.headerTimeout
            case .data, .record(_, mayHoldContent: true): limits.bodyIdleTimeout
            }
        }
    }

    /// Since when there has been no request; nil while there are some.
    private(set) var idleSince: MonotonicTime?
    private var unit: Unit?
    /// Since when `unit` has been incomplete.
    private var unitSince: MonotonicTime?
    /// Since when the socket has been full.
    private var blockedSince: MonotonicTime?
    /// When the connection ends.
    private var endsAt: MonotonicTime?
    /// Memory that is only used while there are requests was released.
    private var hasReleasedMemory = false
    private let timer: LoopTimer

    init(_ timer: LoopTimer, _ now: MonotonicTime, _ limits: ConnectionLimits) {
        self.timer = timer
        idleSince = now
        timer.set(now.advanced(by: limits.headerTimeout))
    }

    /// Looks again at `deadline` at the latest.
    func arm(_ deadline: MonotonicTime) {
        if deadline < timer.deadline { timer.set(deadline) }
    }

    func set(_ deadline: MonotonicTime) {
        timer.set(deadline)
    }

    func cancel() {
        timer.cancel()
    }

    // MARK: What happens

    /// Requests have begun, or the last one has ended.
    mutating func update(isIdle: Bool, _ now: MonotonicTime, _ limits: ConnectionLimits) {
        if isIdle {
            guard idleSince == nil else { return }
            idleSince = now
            hasReleasedMemory = false
            arm(now.advanced(by: min(Self.idleMemoryTime, limits.keepAliveTimeout)))
        } else if idleSince != nil {
            idleSince = nil
            arm(now.advanced(by: limits.bodyIdleTimeout))
        }
    }

    mutating func update(_ unit: Unit?, _ now: MonotonicTime, _ limits: ConnectionLimits) {
        guard self.unit != unit else { return }
        self.unit = unit
        unitSince = unit == nil ? nil : now
        if let unit { arm(now.advanced(by: unit.limit(limits))) }
    }

    mutating func blocked(_ now: MonotonicTime, _ limits: ConnectionLimits) {
        blockedSince = now
        arm(now.advanced(by: limits.bodyIdleTimeout))
    }

    mutating func unblocked() {
        blockedSince = nil
    }

    mutating func ends(at deadline: MonotonicTime?) {
        endsAt = deadline
    }

    // MARK: What follows

    func isBlockedTooLong(_ now: MonotonicTime, _ limits: ConnectionLimits) -> Bool {
        hasPassed(blockedSince, limits.bodyIdleTimeout, now)
    }

    func isUnitTooSlow(_ now: MonotonicTime, _ limits: ConnectionLimits) -> Bool {
        unit.map { hasPassed(unitSince, $0.limit(limits), now) } ?? false
    }

    /// No SETTINGS have arrived since the connection began.
    func isStartTooSlow(_ now: MonotonicTime, _ limits: ConnectionLimits) -> Bool {
        hasPassed(idleSince, limits.headerTimeout, now)
    }

    func isIdleTooLong(_ now: MonotonicTime, _ limits: ConnectionLimits) -> Bool {
        hasPassed(idleSince, limits.keepAliveTimeout, now)
    }

    func isIdle(for time: Nanoseconds, _ now: MonotonicTime) -> Bool {
        hasPassed(idleSince, time, now)
    }

    func mustEnd(_ now: MonotonicTime) -> Bool {
        endsAt.map { $0 <= now } ?? false
    }

    func mayLinger(_ now: MonotonicTime) -> Bool {
        endsAt.map { now < $0 } ?? false
    }

    /// Whether memory is to be released now; true once.
    mutating func releasesMemory(_ now: MonotonicTime) -> Bool {
        guard !hasReleasedMemory, hasPassed(idleSince, Self.idleMemoryTime, now) else { return false }
        hasReleasedMemory = true
        return true
    }

    /// When to look again, at `latest` at the latest. Limits that have passed were dealt with.
    func next(_ latest: MonotonicTime, _ now: MonotonicTime, _ limits: ConnectionLimits, isBeforeSettings: Bool)
        -> MonotonicTime
    {
        var next = latest
        func include(_ start: MonotonicTime?, _ limit: Nanoseconds) {
            guard let deadline = start?.advanced(by: limit), deadline > now else { return }
            next = min(next, deadline)
        }
        if !hasReleasedMemory { include(idleSince, Self.idleMemoryTime) }
        include(idleSince, limits.keepAliveTimeout)
        if isBeforeSettings { include(idleSince, limits.headerTimeout) }
        if let unit { include(unitSince, unit.limit(limits)) }
        include(blockedSince, limits.bodyIdleTimeout)
        if let endsAt, endsAt > now { next = min(next, endsAt) }
        return next
    }

    private func hasPassed(_ start: MonotonicTime?, _ limit: Nanoseconds, _ now: MonotonicTime) -> Bool {
        start.map { $0.advanced(by: limit) <= now } ?? false
    }

    /// How long after its last request a connection keeps its memory.
    private static let idleMemoryTime = Nanoseconds.seconds(1)
}
