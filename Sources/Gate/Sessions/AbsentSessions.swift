// SPDX-License-Identifier: Apache-2.0

/// Sessions that the store did not have when it was last asked: a fixed number, the oldest replaced first, each for a
/// few seconds.
struct AbsentSessions {
    private var entries: [(id: [UInt8], until: Double)] = []
    private var next = 0

    func contains(_ id: [UInt8], now: Double) -> Bool {
        entries.contains { $0.id == id && now < $0.until && now >= $0.until - Self.lifetime }
    }

    mutating func note(_ id: [UInt8], now: Double) {
        if entries.count < Self.capacity {
            entries.append((id, now + Self.lifetime))
        } else {
            entries[next] = (id, now + Self.lifetime)
            next = (next + 1) % Self.capacity
        }
    }

    private static let capacity = 64
    private static let lifetime: Double = 5
}
