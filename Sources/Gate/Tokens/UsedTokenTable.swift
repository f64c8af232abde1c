// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// The keys of used tokens, each with the time until which it must be remembered.
///
/// No call does work for all keys: the hash table grows by one bucket at a time (linear hashing: Litwin, "Linear Hashing:
/// A New Tool for File and Table Addressing", 1980), memory grows by segments, and expired keys are removed a few at a time,
/// the earliest first. So the lock of a store is held for microseconds, however many keys there are.
struct UsedTokenTable {
    /// A digest of a key of any length.
    struct Key: Hashable {
        static let byteCount = 32

        private let words: (UInt64, UInt64, UInt64, UInt64)

        init(_ bytes: [UInt8]) {
            self.init(digest: SHA256.hash(bytes.span))
        }

        /// - Parameter digest: 32 bytes, as ``digest`` has them.
        init(digest: [UInt8]) {
            precondition(digest.count == Self.byteCount, "a digest of SHA-256")
            func word(_ index: Int) -> UInt64 {
                digest[(8 * index)..<(8 * index + 8)].reduce(0) { $0 << 8 | UInt64($1) }
            }
            words = (word(0), word(1), word(2), word(3))
        }

        var digest: [UInt8] {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(Self.byteCount)
            for word in [words.0, words.1, words.2, words.3] { bytes.appendNumber(word, bytes: 8) }
            return bytes
        }

        static func == (left: Key, right: Key) -> Bool { left.words == right.words }

        func hash(into hasher: inout Hasher) {
            hasher.combine(words.0)
            hasher.combine(words.1)
        }
    }

    private struct Entry {
        var key: Key
        var expiry: Expiry
        /// The next entry of the same bucket, or the next free one; ``none``: the last.
        var next: UInt32
    }

    /// When to look at an entry again, on the monotonic clock.
    private struct Due {
        var time: Double
        var entry: UInt32
    }

    /// Keys remembered now, those included that have expired and were not removed yet.
    private(set) var count = 0
    /// Entries that were looked at or moved so far, for tests of what a call costs at most.
    private(set) var touchedCount: UInt64 = 0
    private var entries = SegmentedArray<Entry>()
    private var firstFree = Self.none
    /// The first entry of each bucket.
    private var buckets = SegmentedArray<UInt32>()
    /// The largest power of two below the number of buckets; of one bucket, 1.
    private var level = 1
    /// A heap, earliest first.
    private var queue = SegmentedArray<Due>()

    init() {
        buckets.append(Self.none)
    }

    /// The key is remembered and has not expired.
    mutating func contains(_ key: Key, _ now: ClockReading) -> Bool {
        index(of: key).map { !entries[$0].expiry.isPast(now) } ?? false
    }

    /// The key is remembered, expired or not.
    mutating func contains(_ key: Key) -> Bool { index(of: key) != nil }

    /// Remembers `key`, at least as long as before.
    mutating func insert(_ key: Key, until expiry: Expiry) {
        if let index = index(of: key) {
            // It is still in the queue, by its former time, and is looked at then.
            entries[index].expiry = entries[index].expiry.later(expiry)
            return
        }
        let bucket = bucket(of: key)
        let entry = Entry(key: key, expiry: expiry, next: buckets[bucket])
        let index: UInt32
        if firstFree == Self.none {
            index = UInt32(entries.count)
            entries.append(entry)
        } else {
            index = firstFree
            firstFree = entries[Int(index)].next
            entries[Int(index)] = entry
        }
        buckets[bucket] = index
        count += 1
        enqueue(Due(time: expiry.monotonic, entry: index))
        if count > buckets.count { splitBucket() }
    }

    /// At most `limit` of the keys, in the order of memory, where they stay until they are removed: a walk over all of them
    /// sees each key that is there from its beginning to its end.
    ///
    /// - Returns: where the walk goes on; nil: it has seen all.
    func keys(from start: Int, limit: Int) -> (keys: [(key: Key, expiry: Expiry)], next: Int?) {
        let end = min(start + limit, entries.count)
        guard start < end else { return ([], nil) }
        let keys = (start..<end).lazy.map { entries[$0] }.filter { $0.expiry != Self.unused }
        return (keys.map { ($0.key, $0.expiry) }, end < entries.count ? end : nil)
    }

    /// Removes keys that have expired, at most `limit`; true if it may have left some.
    @discardableResult
    mutating func removeExpired(_ now: ClockReading, limit: Int) -> Bool {
        var steps = 0
        while !queue.isEmpty, queue[0].time <= now.monotonic {
            guard steps < limit else { return true }
            steps += 1
            let index = queue[0].entry
            let expiry = entries[Int(index)].expiry
            guard expiry.isPast(now) else {
                // The wall clock is late: it was set back. Or the key was remembered again.
                queue[0].time = expiry.due(after: now)
                sinkFirst()
                continue
            }
            removeFirst()
            remove(index)
        }
        return false
    }

    // MARK: The hash table

    private mutating func index(of key: Key) -> Int? {
        var index = buckets[bucket(of: key)]
        while index != Self.none {
            touchedCount &+= 1
            let entry = entries[Int(index)]
            if entry.key == key { return Int(index) }
            index = entry.next
        }
        return nil
    }

    private func bucket(of key: Key) -> Int {
        // The hash has a random seed in each process.
        let hash = Int(truncatingIfNeeded: UInt(bitPattern: key.hashValue) & UInt(UInt32.max))
        let wide = hash & (2 * level - 1)
        return wide < buckets.count ? wide : hash & (level - 1)
    }

    /// Adds a bucket, which gets about half of the entries of another one.
    private mutating func splitBucket() {
        let added = buckets.count
        if added == 2 * level { level = added }
        let split = added - level
        var index = buckets[split]
        buckets[split] = Self.none
        buckets.append(Self.none)
        while index != Self.none {
            touchedCount &+= 1
            let next = entries[Int(index)].next
            let bucket = bucket(of: entries[Int(index)].key)
            entries[Int(index)].next = buckets[bucket]
            buckets[bucket] = index
            index = next
        }
    }

    private mutating func remove(_ removed: UInt32) {
        let bucket = bucket(of: entries[Int(removed)].key)
        var index = buckets[bucket]
        var before = Self.none
        while index != removed, index != Self.none {
            touchedCount &+= 1
            before = index
            index = entries[Int(index)].next
        }
        let next = entries[Int(removed)].next
        if before == Self.none { buckets[bucket] = next } else { entries[Int(before)].next = next }
        entries[Int(removed)].next = firstFree
        entries[Int(removed)].expiry = Self.unused
        firstFree = removed
        count -= 1
    }

    // MARK: The queue

    private mutating func enqueue(_ due: Due) {
        queue.append(due)
        var child = queue.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard queue[child].time < queue[parent].time else { return }
            touchedCount &+= 1
            queue.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func removeFirst() {
        queue.swapAt(0, queue.count - 1)
        queue.removeLast()
        sinkFirst()
    }

    /// Restores the order after the first one has changed.
    private mutating func sinkFirst() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < queue.count && queue[child].time < queue[least].time {
                least = child
            }
            guard least != parent else { return }
            touchedCount &+= 1
            queue.swapAt(parent, least)
            parent = least
        }
    }

    private static let none = UInt32.max
    /// Of an entry without a key.
    private static let unused = Expiry(wall: -.infinity, monotonic: -.infinity)
}
