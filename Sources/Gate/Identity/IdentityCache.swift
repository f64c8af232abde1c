// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Identities by the exact text that proved them: a session's sealed cookie, or a bearer token.
///
/// Only what was opened or verified gets in, so a client cannot fill it with what it makes up. Sealed texts and
/// signatures end at random, so their last bytes choose the slot; the whole text, the host and the scheme must then be
/// equal. Times of sessions are not compared here: the caller does so, each time. A fixed number of slots, the newest wins.
struct IdentityCache {
    private struct Entry {
        let text: [UInt8]
        let host: [UInt8]
        let isSecure: Bool
        /// Seconds since 1970, for a bearer token.
        let validFrom: Double
        let validUntil: Double
        let identity: Identity
    }

    private var entries: [Entry?]

    /// - Parameter slotCount: a power of two.
    init(slotCount: Int = 1024) {
        precondition(slotCount > 0 && slotCount & (slotCount - 1) == 0)
        entries = Array(repeating: nil, count: slotCount)
    }

    func identity(_ text: Span<UInt8>, host: Span<UInt8>, isSecure: Bool, now: Double) -> Identity? {
        guard let entry = entries[slot(text)], entry.isSecure == isSecure, entry.text.span.equals(text),
            entry.host.span.equals(host), now >= entry.validFrom, now < entry.validUntil
        else { return nil }
        return entry.identity
    }

    mutating func keep(
        _ identity: Identity, _ text: Span<UInt8>, host: Span<UInt8>, isSecure: Bool,
        validFrom: Double = -.infinity, validUntil: Double = .infinity
    ) {
        entries[slot(text)] = Entry(
            text: Array(copying: text), host: Array(copying: host), isSecure: isSecure, validFrom: validFrom,
            validUntil: validUntil, identity: identity)
    }

    mutating func forget(_ text: Span<UInt8>) {
        let slot = slot(text)
        if let entry = entries[slot], entry.text.span.equals(text) { entries[slot] = nil }
    }

    /// Forgets the identities of which `isMeant` holds.
    mutating func forget(where isMeant: (Identity) -> Bool) {
        for slot in entries.indices {
            if let entry = entries[slot], isMeant(entry.identity) { entries[slot] = nil }
        }
    }

    private func slot(_ text: Span<UInt8>) -> Int {
        guard text.count >= 16 else { return 0 }
        // At least 16 bytes, as checked.
        let mixed =
            text.word(uncheckedAt: text.count - 16) &* 0x9e37_79b9_7f4a_7c15
            ^ text.word(uncheckedAt: text.count - 8) &* 0xc2b2_ae3d_27d4_eb4f
        return Int(truncatingIfNeeded: (mixed ^ mixed >> 29) >> 20) & (entries.count - 1)
    }
}
