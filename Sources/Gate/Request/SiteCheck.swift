// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Whether a request was made by a page of this site: what keeps other sites from signing people in or out.
///
/// `Sec-Fetch-Site` decides where a browser sends it; else `Origin`, else `Referer`. Each value of a repeated field
/// must agree.
enum SiteCheck {
    case thisSite
    case otherSite
    /// The client does not say, or the user typed the address.
    case unknown

    static func of(_ request: RequestHead, on site: ReturnTarget.Site) -> SiteCheck {
        let bytes = request.bytes.span
        var fetchSite: SiteCheck?
        var origin: SiteCheck?
        var referer: SiteCheck?
        for field in request.fields {
            let value = bytes.extracting(field.value.range)
            switch field.known {
            case .secFetchSite: fetchSite = merged(fetchSite, fetchSiteVerdict(value, site))
            case .origin: origin = merged(origin, originVerdict(value, site))
            case .referer: referer = merged(referer, originVerdict(value, site))
            default: break
            }
        }
        return fetchSite ?? origin ?? referer ?? .unknown
    }

    /// The browser says that another site's page led here (`Sec-Fetch-Site`). Where it says nothing, as over plain http
    /// or when it is old, nothing else is taken for a sign: a site can withhold `Referer`.
    static func isFromOtherSite(_ request: RequestHead, on site: ReturnTarget.Site) -> Bool {
        let bytes = request.bytes.span
        return request.fields.contains { field in
            field.known == .secFetchSite
                && fetchSiteVerdict(bytes.extracting(field.value.range), site) == .otherSite
        }
    }

    /// A page of this very origin made the request, by the browser's word: `Sec-Fetch-Site`, and `Origin` only where that
    /// is absent.
    static func isSameOrigin(_ request: borrowing AccessRequest) -> Bool {
        let bytes = request.head.bytes.span
        var fetchSite: Bool?
        var origin: Bool?
        for field in request.head.fields {
            let value = bytes.extracting(field.value.range)
            switch field.known {
            case .secFetchSite: fetchSite = (fetchSite ?? true) && value.equals("same-origin")
            case .origin: origin = (origin ?? true) && isOwnOrigin(value, request)
            default: break
            }
        }
        return fetchSite ?? origin ?? false
    }

    private static func isOwnOrigin(_ value: Span<UInt8>, _ request: borrowing AccessRequest) -> Bool {
        guard let scheme = WebScheme(prefixOf: value),
            let named = PublicOrigin(
                isSecure: scheme.isSecure, authority: value.extracting(scheme.length..<value.count)),
            let expected = request.publicOrigin, mayServe(scheme, expected)
        else { return false }
        if named.host == expected.host, named.port == expected.port { return true }
        // Another host of the session's domain, to which the form itself went.
        guard let own = request.requestOrigin, request.site.targetSite(expected).isInDomain(own.host) else {
            return false
        }
        return named.host == own.host && named.port == own.port
    }

    /// The browser says that a page of this site made the request: by `Sec-Fetch-Site`, or by `Origin` where that is absent.
    static func isDeclaredOwn(_ request: RequestHead, on site: ReturnTarget.Site) -> Bool {
        let bytes = request.bytes.span
        var fetchSite: SiteCheck?
        var origin: SiteCheck?
        for field in request.fields {
            let value = bytes.extracting(field.value.range)
            switch field.known {
            case .secFetchSite: fetchSite = merged(fetchSite, fetchSiteVerdict(value, site))
            case .origin: origin = merged(origin, originVerdict(value, site))
            default: break
            }
        }
        return (fetchSite ?? origin) == .thisSite
    }

    private static func merged(_ earlier: SiteCheck?, _ verdict: SiteCheck) -> SiteCheck {
        guard let earlier, earlier != verdict else { return verdict }
        return .otherSite
    }

    private static func fetchSiteVerdict(_ value: Span<UInt8>, _ site: ReturnTarget.Site) -> SiteCheck {
        if value.equals("same-origin") { return .thisSite }
        // Sisters are trusted where one session serves them all.
        if value.equals("same-site") { return site.domain.isEmpty ? .otherSite : .thisSite }
        if value.equals("none") { return .unknown }
        return .otherSite
    }

    /// On a site that is served over https, a page over plain http is another site's: anybody on the network can write it.
    /// The reverse is accepted: TLS may end before the gate without its knowledge, and a host has one owner.
    private static func mayServe(_ scheme: WebScheme, _ origin: PublicOrigin) -> Bool {
        scheme.isSecure || !origin.isSecure
    }

    private static func originVerdict(_ value: Span<UInt8>, _ site: ReturnTarget.Site) -> SiteCheck {
        guard let scheme = WebScheme(prefixOf: value) else { return .otherSite }
        var end = scheme.length
        while end < value.count, value[end] != UInt8(ascii: "/"), value[end] != UInt8(ascii: "?"),
            value[end] != UInt8(ascii: "#"), value[end] != UInt8(ascii: "\\")
        { end += 1 }
        guard
            let origin = PublicOrigin(isSecure: scheme.isSecure, authority: value.extracting(scheme.length..<end)),
            mayServe(scheme, site.origin), origin.port == site.origin.port,
            origin.host == site.origin.host || site.isInDomain(origin.host)
        else { return .otherSite }
        return .thisSite
    }
}
