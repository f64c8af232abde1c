// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The tokens that the store has reported as unused, for all loops of this process: while it does not answer, they remain
/// valid as bearer tokens, whichever loop asked about them.
///
/// Bounded: when there is no room, those that were not asked about for longest are forgotten. A forgotten token is treated
/// as one that was never seen. The keys are divided into groups by their last byte, since the dictionary of a group is
/// short: growing one, or dropping it, holds the lock for microseconds.
package final class UnusedTokens: Sendable {
    private struct Group {
        /// When the token of a key expires, in seconds since 1970; ``awaited``: no answer has come yet.
        var recent: [[UInt8]: Double] = [:]
        /// Those of the generation before.
        var older: [[UInt8]: Double] = [:]

        subscript(key: [UInt8]) -> Double? { recent[key] ?? older[key] }
    }

    private let groups: Mutex<[Group]>
    private let groupCount: Int
    /// Keys of each generation of a group.
    private let generationSize: Int

    /// - Parameter capacity: keys remembered at once; each takes about 150 bytes.
    package init(capacity: Int = 65_536) {
        groupCount = min(max(1, capacity / 1024), 256)
        generationSize = max(1, capacity / 2 / groupCount)
        groups = Mutex(Array(repeating: Group(), count: groupCount))
    }

    /// The store is asked about a token. A token that signs in before the answer comes is not confirmed by it.
    package func expect(_ keys: [[UInt8]]) {
        groups.withLock { groups in
            for key in keys {
                let index = group(of: key)
                let expiry = groups[index][key] ?? Self.awaited
                if groups[index].recent[key] == nil, groups[index].recent.count >= generationSize {
                    groups[index].older = groups[index].recent
                    groups[index].recent = [:]
                }
                groups[index].recent[key] = expiry
            }
        }
    }

    /// The store has answered that none of `keys` was used.
    package func confirm(_ keys: [[UInt8]], until expiry: Double) {
        groups.withLock { groups in
            guard keys.allSatisfy({ groups[group(of: $0)][$0] != nil }) else { return }
            for key in keys { groups[group(of: key)].recent[key] = expiry }
        }
    }

    /// A token with one of `keys` has signed in.
    package func remove(_ keys: [[UInt8]]) {
        groups.withLock { groups in
            for key in keys {
                let index = group(of: key)
                groups[index].recent[key] = nil
                groups[index].older[key] = nil
            }
        }
    }

    /// The store has reported all of `keys` as unused, and the token has not expired.
    ///
    /// - Parameter now: seconds since 1970.
    package func contains(_ keys: [[UInt8]], now: Double) -> Bool {
        groups.withLock { groups in
            !keys.isEmpty && keys.allSatisfy { key in groups[group(of: key)][key].map { now < $0 } ?? false }
        }
    }

    /// Keys end with a digest, so the groups are of about the same size.
    private func group(of key: [UInt8]) -> Int { Int(key.last ?? 0) % groupCount }

    private static let awaited = -Double.infinity
}
