// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

/// One identity provider: how its users sign in here.
struct Provider {
    /// Empty while there is a single one.
    let name: String
    let login: any LoginProtocol
    let initiated: InitiatedPolicy
    let requiresState: Bool
    let isSingleUse: Bool

    init(_ configuration: ProviderConfiguration, _ login: any LoginProtocol) {
        name = configuration.name
        initiated = configuration.initiated
        requiresState = configuration.requiresState
        isSingleUse = configuration.singleUse
        self.login = login
    }
}

/// All of them, in the order of the configuration.
struct Providers {
    let names: ProviderNames
    let offers: ProviderOffers
    private let all: [Provider]
    private let returnPaths: ReturnPaths

    /// - Parameter logins: the login protocol of each.
    init(_ configurations: [ProviderConfiguration], _ logins: [any LoginProtocol]) {
        names = ProviderNames(configurations.map(\.name))
        offers = ProviderOffers(configurations)
        all = zip(configurations, logins).map { Provider($0, $1) }
        returnPaths = ReturnPaths(configurations.map(\.returnPath))
    }

    /// Nil: there is no such provider any more. What is without a name is the first one's; see ``ProviderNames``.
    func named(_ name: String) -> Provider? {
        guard let current = names.current(name) else { return nil }
        return all.first { $0.name == current }
    }

    /// The one of exactly this name.
    func configured(_ name: String) -> Provider? { all.first { $0.name == name } }

    /// The place of a provider in the order of the configuration.
    func index(of name: String) -> Int? { all.firstIndex { $0.name == name } }

    subscript(index: Int) -> Provider? { all.indices.contains(index) ? all[index] : nil }

    var count: Int { all.count }

    /// The provider to whose return path the request came; nil: it is for another path.
    func returning(_ request: borrowing AccessRequest) -> Provider? {
        guard request.path.place.upperBound <= request.head.bytes.count else { return nil }
        let path = request.head.bytes.span.extracting(request.path.place.range)
        return returnPaths.index(of: path).flatMap { self[$0] }
    }
}
