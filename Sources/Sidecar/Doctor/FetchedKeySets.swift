// SPDX-License-Identifier: Apache-2.0

import Configuration
import JWT
import Synchronization

/// The key sets that the doctor has fetched, by the providers' names, to be compared with each other: `check` does so with
/// the keys of the configuration.
final class FetchedKeySets: Sendable {
    private let sets = Mutex<[String: KeySet]>([:])

    func add(_ keys: KeySet, of provider: String) {
        sets.withLock { sets in sets[provider] = sets[provider].map { $0.merged(with: keys) } ?? keys }
    }

    /// One for each two providers that share a key, of which one was fetched at least.
    func findings(_ providers: [ProviderSettings]) -> [DoctorFinding] {
        let sets = sets.withLock { $0 }
        let all = providers.map { provider in
            let own = provider.token.keys
            return SharedKeyWatch.Provider(
                name: provider.name, keys: sets[provider.name].map { own.merged(with: $0) } ?? own,
                issuer: provider.token.policy.issuer)
        }
        var findings: [DoctorFinding] = []
        for (index, provider) in all.enumerated() {
            for other in all[..<index] where sets[other.name] != nil || sets[provider.name] != nil {
                guard let shared = SharedKey(other, provider) else { continue }
                findings.append(Self.finding(shared))
            }
        }
        return findings
    }

    private static func finding(_ shared: SharedKey) -> DoctorFinding {
        DoctorFinding(
            shared.distinction == .none ? .failed : .warning, "identityProviders",
            "\(shared.first) and \(shared.second) share the key \(shared.key): \(shared.consequence)", fix: shared.fix)
    }
}
