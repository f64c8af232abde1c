// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// Remembers of tokens in URLs whether a key has signed them, so that a parameter that an app sends with each request
/// costs one verification. A verdict is one key set's (CVE-2026-33496): the verdicts are forgotten with the keys.
///
/// Clients choose what gets in, so only digests are kept, a fixed number of them, the oldest replaced first.
struct SignatureVerdicts {
    private var verdicts: [[UInt8]: Bool] = [:]
    private var order: [[UInt8]] = []
    private var next = 0

    static let capacity = 512

    /// The verdict on `token`, by `verify` unless it is known.
    mutating func verdict(on token: Span<UInt8>, _ verify: (Span<UInt8>) -> Bool) -> Bool {
        let key = SHA256.hash(token)
        if let known = verdicts[key] { return known }
        let verdict = verify(token)
        if order.count < Self.capacity {
            order.append(key)
        } else {
            verdicts[order[next]] = nil
            order[next] = key
            next = (next + 1) % Self.capacity
        }
        verdicts[key] = verdict
        return verdict
    }

    mutating func forgetAll() {
        self = SignatureVerdicts()
    }
}
