// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The gate's own address that starts a sign-in, for the links of pages and for JSON responses.
enum LoginAddress {
    static let path = "/.sidegate/login"

    /// `/.sidegate/login?return_to=…`
    static func path(_ target: ReturnTarget) -> String {
        guard !target.isShortened else { return "\(path)?\(shortenedParameter)=1" }
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

    /// The parameter that stands for a target which is too long to be remembered.
    static let shortenedParameter = "shortened"
    /// The parameter of a link on a page that another site can frame; see ``LoginRedirect``.
    static let framedParameter = "framed"

    /// The same address for a link on a page that another site can frame.
    static func inFrame(_ address: String) -> String {
        address + (address.contains("?") ? "&" : "?") + framedParameter + "=1"
    }

    /// Where the link of a page in a frame leads back to: the page that shows the frame, where it is known, else what the
    /// frame was to show. A page to which a link in the frame leads (`Sec-Fetch-User`) is what the user wants to see.
    static func targetOfFrame(_ request: borrowing AccessRequest) -> ReturnTarget {
        let own = ReturnTarget(of: request) ?? .root
        let bytes = request.head.bytes.span
        let isClicked = request.head.fields.contains { field in
            field.known == .other && field.name.upperBound <= bytes.count
                && bytes.extracting(field.name.range).equalsIgnoringCase("sec-fetch-user")
        }
        guard !isClicked, let origin = request.publicOrigin else { return own }
        return referringPage(request, origin) ?? own
    }

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
