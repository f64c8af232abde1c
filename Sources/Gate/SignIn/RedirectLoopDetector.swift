// SPDX-License-Identifier: Apache-2.0

/// The same for browsers that keep no cookie at all, by address and User-Agent: only returns of an attempt that began
/// here (they carry its `state`) and bring none of our cookies come in here. A fixed number of browsers, oldest out.
struct RedirectLoopDetector {
    private var entries: [(key: [UInt8], count: RedirectLoopCounter)] = []
    private var next = 0

    private static let capacity = 256

    mutating func returned(_ key: [UInt8], now: Double) -> RedirectLoopCounter {
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].count = entries[index].count.adding(now)
            return entries[index].count
        }
        let count = RedirectLoopCounter().adding(now)
        if entries.count < Self.capacity {
            entries.append((key, count))
        } else {
            entries[next] = (key, count)
            next = (next + 1) % Self.capacity
        }
        return count
    }

    mutating func forget(_ key: [UInt8]) {
        if let index = entries.firstIndex(where: { $0.key == key }) { entries[index].count = RedirectLoopCounter() }
    }
}
