// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What became of the requests to OpenID providers, for metrics and readiness.
final class OpenIDCounters: Sendable {
    /// Of one provider.
    struct Figures {
        /// Its label.
        let provider: String
        fileprivate(set) var good: [ProviderEndpoint: UInt64] = [:]
        fileprivate(set) var bad: [ProviderEndpoint: UInt64] = [:]
        /// When its discovery document was last fetched, in seconds since 1970; 0: never.
        fileprivate(set) var discoveredAt: Double = 0
        /// Its document and its keys were fetched at some time: users can sign in.
        fileprivate(set) var isKnown = false
    }

    private let providers = Mutex<[Figures]>([])

    /// The providers of the configuration in force. Counters of those that remain stay.
    func replace(with labels: [String]) {
        providers.withLock { providers in
            providers = labels.map { label in
                providers.first { $0.provider == label } ?? Figures(provider: label)
            }
        }
    }

    /// A request has ended.
    func ended(_ provider: String, _ endpoint: ProviderEndpoint, isGood: Bool, now: Double) {
        change(provider) { figures in
            if isGood { figures.good[endpoint, default: 0] += 1 } else { figures.bad[endpoint, default: 0] += 1 }
            if isGood, endpoint == .discovery { figures.discoveredAt = now }
        }
    }

    /// The providers with these labels are known, and no others.
    func known(only labels: [String]) {
        providers.withLock { providers in
            for index in providers.indices { providers[index].isKnown = labels.contains(providers[index].provider) }
        }
    }

    func known(_ provider: String) {
        change(provider) { $0.isKnown = true }
    }

    var figures: [Figures] { providers.withLock { $0 } }

    private func change(_ provider: String, _ body: (inout Figures) -> Void) {
        providers.withLock { providers in
            guard let index = providers.firstIndex(where: { $0.provider == provider }) else { return }
            body(&providers[index])
        }
    }
}
