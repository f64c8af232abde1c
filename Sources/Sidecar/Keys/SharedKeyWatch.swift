// SPDX-License-Identifier: Apache-2.0

import Configuration
import JWT
import Logging
import Synchronization

/// Finds keys that two providers share, as far as only the fetched key sets show it: `check` knows those of the
/// configuration itself. Each pair is logged once.
///
/// Keys are compared by their material, as their thumbprints would be (RFC 7638), whatever they are called.
final class SharedKeyWatch: Sendable {
    /// The keys of one provider.
    struct Provider: Sendable {
        let name: String
        let keys: KeySet
        /// That its tokens must have; empty: any.
        let issuer: String
    }

    private struct Pair: Hashable {
        let first: String
        let second: String
    }

    private struct State {
        var providers: [Provider] = []
        var reported: Set<Pair> = []
    }

    private let logger: Logger
    private let state = Mutex(State())

    init(logger: Logger) {
        self.logger = logger
    }

    /// The providers of the configuration in force, with the keys that it has itself. What was fetched for one of the same
    /// name is to be reported again.
    func replace(with providers: [Provider]) {
        state.withLock { state in
            state.providers = providers
            let names = providers.map(\.name)
            state.reported = state.reported.filter { names.contains($0.first) && names.contains($0.second) }
        }
    }

    /// All keys of the provider of that name, from now on.
    func fetched(_ keys: KeySet, of name: String) {
        for finding in state.withLock({ Self.findings(keys, of: name, &$0) }) {
            logger.warning(
                "identity providers share a key",
                metadata: [
                    "providers": "\(finding.names)", "key": "\(finding.key)", "cause": "\(finding.consequence)",
                    "fix": "\(finding.fix)",
                ])
        }
    }

    private static func findings(_ keys: KeySet, of name: String, _ state: inout State) -> [SharedKey] {
        guard let index = state.providers.firstIndex(where: { $0.name == name }) else { return [] }
        let provider = Provider(name: name, keys: keys, issuer: state.providers[index].issuer)
        state.providers[index] = provider
        return state.providers.enumerated().compactMap { place, other in
            guard place != index, let shared = place < index ? SharedKey(other, provider) : SharedKey(provider, other),
                state.reported.insert(Pair(first: shared.first, second: shared.second)).inserted
            else { return nil }
            return shared
        }
    }
}

extension SharedKeyWatch.Provider {
    /// With the keys of the configuration.
    init(_ provider: ProviderSettings) {
        self.init(name: provider.name, keys: provider.token.keys, issuer: provider.token.policy.issuer)
    }
}

/// A key that verifies tokens of two providers, and what follows from it.
struct SharedKey: Sendable {
    /// How the gate tells tokens of the two apart.
    enum Distinction: Equatable, Sendable {
        /// By the issuer that each requires.
        case issuers
        /// This one requires none, and refuses only tokens with the other's.
        case oneIssuer(missingAt: String)
        /// Not at all.
        case none
    }

    let first: String
    let second: String
    /// Its ID and type, for humans.
    let key: String
    let distinction: Distinction

    /// Nil: they share none.
    init?(_ first: SharedKeyWatch.Provider, _ second: SharedKeyWatch.Provider) {
        guard
            let key = first.keys.keys.first(where: { key in second.keys.keys.contains { $0.isSameKey(as: key) } })
        else { return nil }
        (self.first, self.second) = (first.name, second.name)
        self.key = "\(key.keyID ?? "no kid") (\(key.summary))"
        distinction =
            if first.issuer == second.issuer {
                .none
            } else if first.issuer.isEmpty || second.issuer.isEmpty {
                .oneIssuer(missingAt: first.issuer.isEmpty ? first.name : second.name)
            } else {
                .issuers
            }
    }

    var names: String { "\(first), \(second)" }

    var consequence: String {
        switch distinction {
        case .issuers: "only iss distinguishes their tokens, and a holder of the key can sign in users of both"
        case .oneIssuer(let name):
            "\(name) requires no issuer, so every token of this key without the other's iss signs in there"
        case .none: "a token of either signs in at the other"
        }
    }

    var fix: String {
        switch distinction {
        case .issuers: "have each use keys of its own, unless both are one operator's, such as two tenants"
        case .oneIssuer, .none: "set token.issuer of both, each to another value, or have each use keys of its own"
        }
    }
}
