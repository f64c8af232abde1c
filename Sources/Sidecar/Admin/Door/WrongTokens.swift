// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Limits how often a wrong token may be tried: from each network, and in all.
///
/// A network that has no wrong token on its account is never refused, so that nobody can keep the right token out from
/// elsewhere. Bounded in number.
package struct WrongTokens: Sendable {
    /// Whose account a token is tried on.
    package enum Peer: Hashable, Sendable {
        /// The /32 of IPv4 and the /64 of IPv6: all that one client can choose from.
        case network(high: UInt64, low: UInt64)
        /// Over a unix socket.
        case user(UInt32)

        package init(_ address: IPAddress?, user: UInt32?) {
            if let address {
                self = .network(high: address.high, low: address.isV4 ? address.low : 0)
            } else {
                self = .user(user ?? .max)
            }
        }
    }

    /// Wrong tokens that count, of which time removes one after the other.
    private struct Account {
        private var count = 0.0
        private var updated = 0.0
        private let interval: Double

        init(interval: Double) { self.interval = interval }

        func count(_ now: Double) -> Double { max(0, count - max(0, now - updated) / interval) }

        mutating func add(_ now: Double) {
            count = count(now) + 1
            updated = now
        }
    }

    private var accounts: [Peer: Account] = [:]
    private var all = Account(interval: Self.intervalOfAll)

    package init() {}

    /// Seconds until this peer may try again; nil: it may now.
    ///
    /// - Parameter now: seconds, monotonic.
    package func wait(for peer: Peer, now: Double) -> Double? {
        guard let account = accounts[peer] else { return nil }
        let count = account.count(now)
        // While many try from everywhere, each has one attempt.
        let allowed = all.count(now) >= Self.burstOfAll ? 1.0 : Self.burst
        guard count > 0, count > allowed - 1 else { return nil }
        return (count - (allowed - 1)) * Self.interval
    }

    package mutating func note(_ peer: Peer, now: Double) {
        all.add(now)
        if accounts[peer] == nil, accounts.count >= Self.maximumAccounts { makeRoom(now) }
        var account = accounts[peer] ?? Account(interval: Self.interval)
        account.add(now)
        accounts[peer] = account
    }

    private mutating func makeRoom(_ now: Double) {
        accounts = accounts.filter { $0.value.count(now) > 0 }
        guard accounts.count >= Self.maximumAccounts,
            let least = accounts.min(by: { $0.value.count(now) < $1.value.count(now) })
        else { return }
        accounts[least.key] = nil
    }

    /// Wrong tokens that one peer may try at once, then one in as many seconds.
    static let burst = 5.0
    static let interval = 12.0
    static let burstOfAll = 60.0
    static let intervalOfAll = 1.0
    static let maximumAccounts = 1024
}
