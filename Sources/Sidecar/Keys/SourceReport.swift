// SPDX-License-Identifier: Apache-2.0

import Reactor

/// What became of the fetches of one document, for operators.
struct SourceReport: Sendable {
    enum Kind: Sendable {
        /// The discovery document of an OpenID provider.
        case discovery
        case keys
    }

    struct Failure: Sendable {
        /// Seconds since 1970.
        var time: Double
        /// In words.
        var cause: String
    }

    /// The name of the provider; empty for the only one.
    var provider: String
    var kind: Kind
    var url: String
    /// Seconds since 1970; nil: never.
    var fetchedAt: Double?
    /// Of the last fetch; nil: it succeeded, or there was none.
    var failure: Failure?
    /// Keys that came from there and can be used.
    var keys = 0
    /// When it is fetched again; `distantFuture` while it is being fetched.
    var due: MonotonicTime

    mutating func succeeded(_ now: Double) {
        fetchedAt = now
        failure = nil
    }

    mutating func failed(_ now: Double, _ cause: String) {
        failure = Failure(time: now, cause: cause)
    }
}
