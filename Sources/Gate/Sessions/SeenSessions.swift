// SPDX-License-Identifier: Apache-2.0

/// The sessions that a process has seen within their idle time: who is signed in.
///
/// Bounded: when there is no room, the session that was not seen for longest goes. What has ended, or would not be accepted
/// any more, goes when it is looked for.
package struct SeenSessions {
    /// One session, for people.
    package struct Entry: Sendable, Equatable {
        package let name: SessionName
        /// The session's identifier; never shown.
        package fileprivate(set) var id: [UInt8]
        package let user: String
        package let provider: String
        /// When the user signed in, in seconds since 1970.
        package let since: Double
        package fileprivate(set) var lastSeen: Double
        package fileprivate(set) var client: String
        package fileprivate(set) var browser: String

        package init(
            name: SessionName, id: [UInt8], user: String, provider: String, since: Double, lastSeen: Double,
            client: String, browser: String
        ) {
            self.name = name
            self.id = id
            self.user = user
            self.provider = provider
            self.since = since
            self.lastSeen = lastSeen
            self.client = client
            self.browser = browser
        }

        /// What another replica has seen of the same session counts too.
        package mutating func merge(_ other: Entry) {
            guard other.lastSeen > lastSeen else { return }
            lastSeen = other.lastSeen
            client = other.client
            browser = other.browser
        }
    }

    /// How long a session is listed after it was seen.
    package struct Limits: Sendable {
        /// Seconds from the sign-in.
        package var lifetime: Double
        /// Seconds; zero: no such limit.
        package var idleTimeout: Double

        package init(lifetime: Double, idleTimeout: Double) {
            self.lifetime = lifetime
            self.idleTimeout = idleTimeout
        }

        /// When it is not listed any more, in seconds since 1970.
        package func end(of entry: Entry) -> Double {
            let end = entry.since + lifetime
            return idleTimeout > 0 ? min(end, entry.lastSeen + idleTimeout) : end
        }
    }

    private struct Slot {
        var entry: Entry
        /// Digests of what can end it, for this process alone.
        var subjects: [Int]
        /// When the entry was last taken for other replicas, in seconds on the monotonic clock.
        var takenAt = -Double.infinity
        var isQueued = false
        /// The neighbours in the order of ``SeenSessions/newest``.
        var newer = none
        var older = none
    }

    /// What was ended, until nothing that was seen before can arrive any more.
    private struct Ended {
        var revokedAt: Double
        /// On the monotonic clock.
        var notedAt: Double
    }

    private var slots: [Slot] = []
    private var free: [Int32] = []
    private var places: [SessionName: Int32] = [:]
    private var newest = none
    private var oldest = none
    private var ended: [Int: Ended] = [:]
    /// Those that other replicas do not know of yet.
    private var queue: [SessionName] = []
    private var texts: Set<String> = []
    private let capacity: Int
    private let sharesEntries: Bool
    package var limits: Limits

    /// - Parameters:
    ///   - sharesEntries: they are taken for other replicas.
    ///   - capacity: sessions at once; each takes about 500 bytes.
    package init(_ limits: Limits, sharesEntries: Bool, capacity: Int = 100_000) {
        self.limits = limits
        self.sharesEntries = sharesEntries
        self.capacity = max(1, min(capacity, Int(Int32.max)))
    }

    package var count: Int { places.count }

    // MARK: Changes

    package mutating func note(_ sighting: SessionSighting) {
        let subjects = sighting.subjects.map(\.hashValue)
        guard !isEnded(subjects, sighting.signedInAt) else { return }
        let place: Int32
        if let known = places[sighting.name] {
            place = known
            let slot = slots[Int(known)].entry
            slots[Int(known)].entry.lastSeen = max(slot.lastSeen, sighting.seenAt)
            if let client = sighting.client { slots[Int(known)].entry.client = client }
            if let browser = sighting.browser { slots[Int(known)].entry.browser = shared(browser) }
            unlink(known)
        } else {
            if places.count >= capacity, oldest != Self.none { remove(oldest) }
            place = insert(
                Slot(
                    entry: Entry(
                        name: sighting.name, id: sighting.id, user: sighting.user, provider: shared(sighting.provider),
                        since: sighting.signedInAt, lastSeen: sighting.seenAt, client: sighting.client ?? "",
                        browser: shared(sighting.browser ?? "")),
                    subjects: subjects))
        }
        link(place)
        guard sharesEntries, !slots[Int(place)].isQueued else { return }
        slots[Int(place)].isQueued = true
        queue.append(sighting.name)
    }

    /// - Parameter now: seconds on the monotonic clock.
    package mutating func end(_ revocation: Revocation, now: Double) {
        if ended.count + revocation.subjects.count > Self.maximumEnded { ended = [:] }
        for subject in revocation.subjects {
            let key = subject.hashValue
            let revokedAt = max(revocation.revokedAt, ended[key]?.revokedAt ?? -.infinity)
            ended[key] = Ended(revokedAt: revokedAt, notedAt: now)
        }
    }

    /// Removes what has ended, and what would not be accepted any more.
    ///
    /// - Returns: the names of what was ended.
    package mutating func sweep(wall: Double, monotonic: Double) -> [SessionName] {
        var names: [SessionName] = []
        for (name, place) in places {
            let slot = slots[Int(place)]
            if !ended.isEmpty, isEnded(slot.subjects, slot.entry.since) {
                names.append(name)
                remove(place)
            } else if wall >= limits.end(of: slot.entry) {
                remove(place)
            }
        }
        // A loop may have noted such a session just before it was ended.
        ended = ended.filter { monotonic < $0.value.notedAt + Self.endedTime }
        return names
    }

    /// Something was ended since the last sweep, or shortly before.
    package var hasEnded: Bool { !ended.isEmpty }

    // MARK: Reading

    /// All of them, in no order, after a ``sweep(wall:monotonic:)``.
    package var entries: [Entry] { places.values.map { slots[Int($0)].entry } }

    package func entry(_ name: SessionName) -> Entry? { places[name].map { slots[Int($0)].entry } }

    /// Something waits for ``takeUnshared(limit:now:)``.
    package var hasUnshared: Bool { !queue.isEmpty }

    /// What other replicas are to learn: each session at most once a minute.
    ///
    /// - Parameter now: seconds on the monotonic clock.
    package mutating func takeUnshared(limit: Int, now: Double) -> [Entry] {
        var (taken, waiting): ([Entry], [SessionName]) = ([], [])
        for name in queue {
            guard let place = places[name] else { continue }
            guard taken.count < limit, now >= slots[Int(place)].takenAt + Self.shareInterval else {
                waiting.append(name)
                continue
            }
            slots[Int(place)].takenAt = now
            slots[Int(place)].isQueued = false
            taken.append(slots[Int(place)].entry)
        }
        queue = waiting
        return taken
    }

    /// They were taken, and other replicas could not learn of them.
    package mutating func putBack(_ entries: [Entry]) {
        for entry in entries {
            guard let place = places[entry.name], !slots[Int(place)].isQueued else { continue }
            slots[Int(place)].takenAt = -.infinity
            slots[Int(place)].isQueued = true
            queue.append(entry.name)
        }
    }

    // MARK: Slots

    private func isEnded(_ subjects: [Int], _ signedInAt: Double) -> Bool {
        guard !ended.isEmpty else { return false }
        return subjects.contains { subject in ended[subject].map { signedInAt <= $0.revokedAt } ?? false }
    }

    /// There are few browsers and providers: equal texts share their memory.
    private mutating func shared(_ text: String) -> String {
        if texts.count >= Self.maximumTexts { texts = [] }
        return texts.insert(text).memberAfterInsert
    }

    private mutating func insert(_ slot: Slot) -> Int32 {
        let place: Int32
        if let spare = free.popLast() {
            place = spare
            slots[Int(spare)] = slot
        } else {
            place = Int32(slots.count)
            slots.append(slot)
        }
        places[slot.entry.name] = place
        return place
    }

    private mutating func remove(_ place: Int32) {
        unlink(place)
        places[slots[Int(place)].entry.name] = nil
        // Not kept for its memory.
        slots[Int(place)].entry.id = []
        slots[Int(place)].subjects = []
        free.append(place)
    }

    /// At the new end.
    private mutating func link(_ place: Int32) {
        slots[Int(place)].older = newest
        slots[Int(place)].newer = Self.none
        if newest != Self.none { slots[Int(newest)].newer = place }
        newest = place
        if oldest == Self.none { oldest = place }
    }

    private mutating func unlink(_ place: Int32) {
        let (newer, older) = (slots[Int(place)].newer, slots[Int(place)].older)
        if newer != Self.none { slots[Int(newer)].older = older } else if newest == place { newest = older }
        if older != Self.none { slots[Int(older)].newer = newer } else if oldest == place { oldest = newer }
    }

    private static let none: Int32 = -1
    /// Seconds.
    private static let shareInterval = 60.0
    private static let endedTime = 5.0
    private static let maximumEnded = 65_536
    private static let maximumTexts = 1024
}
