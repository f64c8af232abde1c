// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The gate's own address that starts a sign-in, for the links of pages and for JSON responses.
enum LoginAddress {
    static let path = "/.sidegate/login"

    /// `/.sidegate/login?return_to=…`
    static func path(_ target: ReturnTarget) -> String {
        var text = Array(path.utf8)
        text.append("?return_to=")
        text.appendPercentEncoded(target.asParameter)
        return String(decoding: text, as: UTF8.self)
    }

    /// The same at one of these providers: without a page that asks where there is only one.
    static func path(_ target: ReturnTarget, at providers: [String]) -> String {
        String(decoding: adding(providers, to: Array(path(target).utf8)), as: UTF8.self)
    }

    /// A sign-in address for these providers alone. Their names need no percent-encoding.
    static func adding(_ providers: [String], to address: [UInt8]) -> [UInt8] {
        let separator = address.contains(UInt8(ascii: "?")) ? "&" : "?"
        switch providers.count {
        case 0: return address
        case 1: return address + Array("\(separator)\(providerParameter)=\(providers[0])".utf8)
        default:
            return address + Array("\(separator)\(providersParameter)=\(providers.joined(separator: ","))".utf8)
        }
    }

    /// The parameter that names the provider to sign in at.
    static let providerParameter = "provider"
    /// The parameter that names those to choose from, with commas between.
    static let providersParameter = "providers"

    /// The whole URL that leads back to `target`.
    static func url(_ target: ReturnTarget, on origin: PublicOrigin) -> [UInt8] {
        var url: [UInt8] = []
        origin.append(to: &url)
        url.append(contentsOf: path(target).utf8)
        return url
    }

    /// Where a page's script can send the user to sign in; it leads back to the page that made the request.
    static func url(for request: borrowing AccessRequest) -> [UInt8] {
        guard let origin = request.publicOrigin else { return Array(path.utf8) }
        return url(referringPage(request, origin) ?? .root, on: origin)
    }

    private static func referringPage(_ request: borrowing AccessRequest, _ origin: PublicOrigin) -> ReturnTarget? {
        guard let referer = request.head.fields.first(where: { $0.known == .referer })?.value,
            referer.upperBound <= request.head.bytes.count
        else { return nil }
        let text = request.head.bytes.span.extracting(referer.range)
        guard WebScheme(prefixOf: text) != nil else { return nil }
        return ReturnTarget(untrusted: text, on: request.site.targetSite(origin))?.without(request.site.tokenParameter)
    }
}
