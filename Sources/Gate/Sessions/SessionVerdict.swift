// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT

/// What a request's session cookies amount to.
enum SessionVerdict {
    /// There are none.
    case none
    case refused(Reason)
    case valid(Identity)
    /// The session is stored elsewhere, and the store must be asked first.
    case needsLookup(SessionReference)
    /// The session is stored elsewhere, and the store did not answer.
    case storeUnavailable(SessionReference)

    /// No other cookie of the request can change it.
    var isFinal: Bool {
        switch self {
        case .valid, .needsLookup: true
        case .none, .refused, .storeUnavailable: false
        }
    }
}

/// Counts the changes after which every authorization must be checked again: of lists, and by revocations. Zero while
/// there is nothing to check, as in a new ``Identity``.
final class PolicyEpoch {
    private(set) var value: UInt64

    init(_ value: UInt64) {
        self.value = value
    }

    func advance() {
        value += 1
    }

    /// Beyond any number that an identity of either gate has seen.
    func advance(beyond other: PolicyEpoch) {
        value = max(value, other.value) + 1
    }
}
