// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import Pages

/// The page on which people choose the identity provider to sign in at, where their host offers several.
///
/// It is a page of plain links. The provider that this browser chose last is the first; a cookie of no other use names it.
struct ProviderChooser {
    private let offers: ProviderOffers
    private let cookies: OwnCookies
    private let responses: Responses
    private let keepsFragment: Bool

    init(_ offers: ProviderOffers, _ cookies: OwnCookies, _ responses: Responses, keepsFragment: Bool) {
        self.keepsFragment = keepsFragment
        self.offers = offers
        self.cookies = cookies
        self.responses = responses
    }

    /// What a sign-in address says of the provider.
    enum Wanted {
        case any
        /// One that is named: no page asks.
        case one(String)
        case among([String])
        /// Two are named, and it cannot be said which is meant.
        case ambiguous

        init(_ parameters: Parameters) {
            let named = Set(parameters.values(LoginAddress.providerParameter))
            if let name = named.first {
                self = named.count == 1 ? .one(String(decoding: name, as: UTF8.self)) : .ambiguous
            } else if let list = parameters.values(LoginAddress.providersParameter).first {
                self = .among(
                    list.split(separator: UInt8(ascii: ",")).map { String(decoding: $0, as: UTF8.self) })
            } else {
                self = .any
            }
        }

        /// Nil: all.
        var names: [String]? {
            switch self {
            case .any: nil
            case .one(let name): [name]
            case .among(let names): names
            case .ambiguous: []
            }
        }
    }

    /// 302 to the page.
    ///
    /// - Parameter allowed: the names of the providers that the rules allow; nil: all.
    func redirect(_ request: borrowing AccessRequest, _ reason: Reason?, at allowed: [String]?) -> LocalResponse {
        guard let origin = request.publicOrigin else { return responses.hostMissing(request) }
        let login = LoginAddress.url(ReturnTarget(of: request) ?? .root, on: origin)
        let url = LoginAddress.adding(allowed ?? [], to: login)
        var response = responses.redirect(302, to: url)
        response.outcome = .redirect
        response.reason = reason
        return response
    }

    /// - Parameter isFramed: another site may show the page, or have led to it unnoticed.
    func page(
        _ offered: [ProviderOffers.Offer], _ target: ReturnTarget, _ request: borrowing AccessRequest, isFramed: Bool
    ) -> LocalResponse {
        let last = lastChoice(in: request)
        let sorted = offered.filter { $0.name == last } + offered.filter { $0.name != last }
        var traits: PageTraits = keepsFragment ? .script : []
        if NavigationTest.isFrame(request.head) { traits.insert(.framed) }
        var response = responses.page(
            200,
            .chooseProvider(
                sorted.map { offer in
                    let url = LoginAddress.path(target, at: [offer.name])
                    return ProviderChoice(
                        label: offer.label, url: isFramed ? LoginAddress.inFrame(url) : url,
                        isLast: offer.name == last)
                }, keepsFragment: keepsFragment),
            for: request, traits: traits)
        response.outcome = .choose
        return response
    }

    /// No provider may be chosen here.
    ///
    /// - Parameter target: nil: there is nothing to try again.
    func nothingOffered(_ request: borrowing AccessRequest, status: UInt16, _ target: ReturnTarget?) -> LocalResponse {
        responses.signInRefused(
            .providerNotAllowed, status: status, request, tryAgain: target.map { LoginAddress.path($0) })
    }

    // MARK: The last choice

    /// The value of a Set-Cookie field.
    func remembering(_ name: String, _ request: borrowing AccessRequest) -> [UInt8] {
        cookies.hostCookie(isSecure: request.origin.isSecure).session(
            cookies.names(request).provider, Array(name.utf8), maxAge: Self.lifetime, sameSite: .lax)
    }

    /// Self-declared, so unauthenticated: it only orders the page.
    private func lastChoice(in request: borrowing AccessRequest) -> String? {
        let name = cookies.names(request).provider
        let bytes = request.head.bytes.span
        var found: String?
        request.head.forEachCookie { cookie, value in
            guard found == nil, cookie.upperBound <= bytes.count, value.upperBound <= bytes.count, value.count <= 32,
                bytes.extracting(cookie.range).equals(name.span)
            else { return }
            found = String(decoding: Array(copying: bytes.extracting(value.range)), as: UTF8.self)
        }
        return found
    }

    /// In seconds: the longest that browsers keep a cookie (RFC 6265bis §5.5).
    private static let lifetime: Double = 400 * 86_400
}
