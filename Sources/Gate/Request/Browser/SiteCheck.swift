// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Whether a request was made by a page of this site: what keeps other sites from signing people in or out.
///
/// `Sec-Fetch-Site` decides where a browser sends it; else `Origin`, else `Referer`. Browsers send each of them once: a
/// repeated field counts as another site's.
enum SiteCheck {
    case thisSite
    case otherSite
    /// The client does not say, or the user typed the address.
    case unknown

    static func of(_ request: RequestHead, on site: ReturnTarget.Site) -> SiteCheck {
        declared(request, on: site) ?? only(.referer, of: request) { refererVerdict($0, site) } ?? .unknown
    }

    /// The browser says that another site's page led here (`Sec-Fetch-Site`). Where it says nothing, as over plain http
    /// or when it is old, nothing else is taken for a sign: a site can withhold `Referer`.
    static func isFromOtherSite(_ request: RequestHead, on site: ReturnTarget.Site) -> Bool {
        only(.secFetchSite, of: request) { fetchSiteVerdict($0, site) } == .otherSite
    }

    /// The browser says that a page of this site made the request: by `Sec-Fetch-Site`, or by `Origin` where that is absent.
    static func isDeclaredOwn(_ request: RequestHead, on site: ReturnTarget.Site) -> Bool {
        declared(request, on: site) == .thisSite
    }

    /// A page of this very origin made the request, by the browser's word: `Sec-Fetch-Site`, and `Origin` only where that
    /// is absent.
    static func isSameOrigin(_ request: borrowing AccessRequest) -> Bool {
        if let fetchSite = only(.secFetchSite, of: request.head, { $0.equals("same-origin") ? .thisSite : .otherSite })
        {
            return fetchSite == .thisSite
        }
        guard let expected = request.publicOrigin else { return false }
        let site = request.site.targetSite(expected)
        let own = request.requestOrigin
        let origin = only(.origin, of: request.head) { value in
            guard let origin = PublicOrigin(ofOrigin: value), mayServe(origin, site) else { return .otherSite }
            if origin.isAt(expected) { return .thisSite }
            // Another host of the session's domain, to which the form itself went.
            guard let own, site.isInDomain(own.host), origin.isAt(own) else { return .otherSite }
            return .thisSite
        }
        return origin == .thisSite
    }

    // MARK: What the fields say

    /// By the fields that no page can withhold or change; nil: the browser sends neither.
    private static func declared(_ request: RequestHead, on site: ReturnTarget.Site) -> SiteCheck? {
        only(.secFetchSite, of: request) { fetchSiteVerdict($0, site) }
            ?? only(.origin, of: request) { originVerdict(PublicOrigin(ofOrigin: $0), site) }
    }

    /// The verdict on the only field of that name; nil: there is none.
    private static func only(
        _ name: KnownField, of request: RequestHead, _ verdict: (Span<UInt8>) -> SiteCheck
    ) -> SiteCheck? {
        let bytes = request.bytes.span
        var found: SiteCheck?
        for field in request.fields where field.known == name {
            guard found == nil else { return .otherSite }
            found = verdict(bytes.extracting(field.value.range))
        }
        return found
    }

    private static func fetchSiteVerdict(_ value: Span<UInt8>, _ site: ReturnTarget.Site) -> SiteCheck {
        if value.equals("same-origin") { return .thisSite }
        // Sisters are trusted where one session serves them all.
        if value.equals("same-site") { return site.domain.isEmpty ? .otherSite : .thisSite }
        if value.equals("none") { return .unknown }
        return .otherSite
    }

    private static func refererVerdict(_ value: Span<UInt8>, _ site: ReturnTarget.Site) -> SiteCheck {
        guard let scheme = WebScheme(prefixOf: value) else { return .otherSite }
        var end = scheme.length
        while end < value.count, value[end] != UInt8(ascii: "/"), value[end] != UInt8(ascii: "?"),
            value[end] != UInt8(ascii: "#"), value[end] != UInt8(ascii: "\\")
        { end += 1 }
        return originVerdict(PublicOrigin(ofOrigin: value.extracting(0..<end)), site)
    }

    /// - Parameter origin: nil: it is none, such as the `null` of a sandboxed page.
    private static func originVerdict(_ origin: PublicOrigin?, _ site: ReturnTarget.Site) -> SiteCheck {
        guard let origin, mayServe(origin, site), origin.port == site.origin.port,
            origin.host == site.origin.host || site.isInDomain(origin.host)
        else { return .otherSite }
        return .thisSite
    }

    /// On a site that is served over https, a page over plain http is another site's: anybody on the network can write it.
    /// The reverse is accepted only where the configuration does not name the scheme: TLS may end before the gate without
    /// its knowledge. Where it does, another server answers at https.
    private static func mayServe(_ origin: PublicOrigin, _ site: ReturnTarget.Site) -> Bool {
        origin.isSecure == site.origin.isSecure || origin.isSecure && !site.isSchemeConfigured
    }
}

extension PublicOrigin {
    /// The value of an Origin field: scheme and authority, and nothing behind them (RFC 6454 §7).
    fileprivate init?(ofOrigin value: Span<UInt8>) {
        guard let scheme = WebScheme(prefixOf: value) else { return nil }
        self.init(isSecure: scheme.isSecure, authority: value.extracting(scheme.length..<value.count))
    }

    /// The same host and port, over either scheme.
    fileprivate func isAt(_ other: PublicOrigin) -> Bool { host == other.host && port == other.port }
}
