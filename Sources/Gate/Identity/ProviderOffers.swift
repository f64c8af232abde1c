// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The identity providers as browsers are offered them: what each is called, and on which hosts.
struct ProviderOffers: Sendable {
    struct Offer: Sendable, Equatable {
        let name: String
        let label: String
        /// In lower case, or `*.` and a name for those below it; empty: everywhere.
        fileprivate let hosts: [[UInt8]]

        fileprivate func isFor(_ host: [UInt8]) -> Bool {
            hosts.isEmpty
                || hosts.contains { pattern in
                    guard pattern.starts(with: "*.".utf8) else { return pattern == host }
                    let end = pattern.dropFirst()
                    return host.count > end.count && host.suffix(end.count).elementsEqual(end)
                }
        }
    }

    private let offers: [Offer]
    /// None is for certain hosts.
    private let isUniform: Bool

    init(_ providers: [ProviderConfiguration]) {
        offers = providers.map { provider in
            Offer(
                name: provider.name, label: provider.label.isEmpty ? provider.name : provider.label,
                hosts: provider.hosts.map { $0.utf8.map(lowercased) })
        }
        isUniform = offers.allSatisfy(\.hosts.isEmpty)
    }

    /// There is one provider, for every host.
    var isSingle: Bool { offers.count == 1 && isUniform }

    /// Those that the host of `request` offers, in the order of the configuration.
    ///
    /// - Parameter allowed: the names of those that may be chosen; nil: all.
    func offered(to request: borrowing AccessRequest, _ allowed: [String]? = nil) -> [Offer] {
        let host = isUniform ? [] : request.requestOrigin?.host ?? []
        return offers.filter { offer in
            offer.isFor(host) && allowed?.contains(offer.name) ?? true
        }
    }

    func isOffered(_ name: String, to request: borrowing AccessRequest) -> Bool {
        isUniform || offered(to: request, [name]).contains { $0.name == name }
    }
}
