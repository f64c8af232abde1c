// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What of the configuration requests are read by: the site's address, its trusted proxies, and whether paths matter.
final class RequestRules {
    let publicURL: PublicOrigin?
    /// What cookies are bound to, with a domain or a public URL; nil: the host of each request.
    let fixedScope: CookieScope?
    let trustedProxies: [CIDR]
    let returnPaths: ReturnPaths
    let tokenParameter: TokenParameter
    /// Something is decided by a request's path, so it must be readable.
    let readsPaths: Bool

    init(_ configuration: GateConfiguration, _ tokenParameter: TokenParameter) {
        publicURL = configuration.publicURL
        trustedProxies = configuration.trustedProxies
        returnPaths = ReturnPaths(configuration.providers.map(\.returnPath))
        self.tokenParameter = tokenParameter
        readsPaths = configuration.readsPaths
        let domain = configuration.session.domain.utf8.map(lowercased)
        if !domain.isEmpty {
            fixedScope = CookieScope(isDomain: true, name: domain)
        } else {
            fixedScope = configuration.publicURL.map { CookieScope(isDomain: false, name: $0.host) }
        }
    }

    /// What return targets must stay on.
    func targetSite(_ origin: PublicOrigin) -> ReturnTarget.Site {
        let domain = fixedScope.flatMap { $0.isDomain ? $0.name : nil } ?? []
        return ReturnTarget.Site(
            origin: origin, domain: domain, returnPaths, isSchemeConfigured: publicURL != nil)
    }
}
