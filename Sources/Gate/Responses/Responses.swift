// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT
import Pages

/// The gate's own responses: pages for people, JSON for clients that ask for it, gRPC statuses. None may be stored, and
/// none passes its address on to the next page.
package final class Responses {
    private let pages: PageRenderer
    private let offers: ProviderOffers
    private let configuration: GateConfiguration
    /// Those of most pages, and those of pages with other traits.
    private var pageFields: [UInt8] = []
    private var otherPageFields: [PageTraits: [UInt8]] = [:]
    /// Of pages about a form of the app.
    private let keptFormFields: [UInt8]
    /// By provider: where the response to a form may redirect to, besides what the configuration names.
    private var formOrigins: [String: [String]] = [:]

    init(_ configuration: GateConfiguration) {
        self.configuration = configuration
        pages = configuration.pages
        offers = ProviderOffers(configuration.providers)
        keptFormFields = PageFields.keptForm(configuration)
        writePageFields(formOrigins: [])
        for provider in configuration.providers {
            guard case .openID(let openID) = provider.login, let metadata = openID.metadata else { continue }
            allowForms(to: metadata.formTargets, of: provider.name)
        }
    }

    /// The response to a form may redirect to these addresses of a provider: a logout, or another account's login.
    func allowForms(to urls: [String], of provider: String) {
        formOrigins[provider] = urls.compactMap { PublicOrigin(ofURL: $0) }.map {
            String(decoding: $0.text, as: UTF8.self)
        }
        let all = formOrigins.sorted { $0.key < $1.key }.flatMap(\.value)
        writePageFields(formOrigins: all)
    }

    private func writePageFields(formOrigins: [String]) {
        pageFields = PageFields.block(configuration, [], formOrigins)
        for traits in PageTraits.inUse {
            otherPageFields[traits] = PageFields.block(configuration, traits, formOrigins)
        }
    }

    /// The providers that the request's host offers, where people have a choice; else nothing.
    ///
    /// - Parameter allowed: the names of those that may be chosen; nil: all.
    func choice(_ request: borrowing AccessRequest, _ allowed: [String]?) -> [ProviderOffers.Offer] {
        offers.isSingle ? [] : offers.offered(to: request, allowed)
    }

    /// A page in the language of the request.
    func page(
        _ status: UInt16, _ page: Page, for request: borrowing AccessRequest, hasForm: Bool = false,
        traits: PageTraits = []
    ) -> LocalResponse {
        let language = language(of: request)
        var response = LocalResponse(
            status: status, body: pages.render(page, in: language, time: HTTPDate.plainText(request.context.now)))
        addPageFields(&response, hasForm ? traits.union(.form) : traits)
        response.add("Content-Language", language.rawValue)
        return response
    }

    /// A page about a form of the app.
    func formPage(_ status: UInt16, _ page: Page, _ request: borrowing AccessRequest) -> LocalResponse {
        let language = language(of: request)
        var response = LocalResponse(
            status: status, body: pages.render(page, in: language, time: HTTPDate.plainText(request.context.now)))
        response.add(block: keptFormFields)
        response.add("Content-Language", language.rawValue)
        return response
    }

    /// The language of the pages for a request: the configured one, or else that of its Accept-Language.
    private func language(of request: borrowing AccessRequest) -> Language {
        if let fixed = pages.fixedLanguage { return fixed }
        let languages = Language.allCases
        let accept = AcceptLanguage(of: request.head, among: languages.map(\.rawValue))
        guard let index = accept.preferred, languages.indices.contains(index) else { return .standard }
        return languages[index]
    }

    /// A redirect; its body is a page with a link, so that no browser ever shows a blank one.
    func redirect(_ status: UInt16, to url: [UInt8]) -> LocalResponse {
        var response = LocalResponse(status: status, body: redirectBody(url))
        response.add("Location", url)
        addPageFields(&response)
        return response
    }

    /// 200 with a page that goes on to `url` by itself.
    func refresh(to url: [UInt8], for request: borrowing AccessRequest) -> LocalResponse {
        var response = page(200, .redirecting(to: String(decoding: url, as: UTF8.self)), for: request)
        var refresh: [UInt8] = []
        refresh.append("0;url=")
        refresh.append(contentsOf: url)
        response.add("Refresh", refresh)
        return response
    }

    /// The field lines and the pieces of a redirect's page, for redirects that are written out ahead.
    var redirectTemplate: (fields: [UInt8], pieces: [[UInt8]]) { (pageFields, pages.redirectPieces) }

    private func redirectBody(_ url: [UInt8]) -> [UInt8] {
        pages.render(.redirecting(to: String(decoding: url, as: UTF8.self)))
    }

    /// What all pages have; see ``PageFields``.
    private func addPageFields(_ response: inout LocalResponse, _ traits: PageTraits = []) {
        response.add(block: traits.isEmpty ? pageFields : otherPageFields[traits] ?? pageFields)
    }

    func json(_ status: UInt16, _ members: JSONObject) -> LocalResponse {
        var body = JSONValue.object(members).serialized()
        body.append(10)
        var response = LocalResponse(status: status, body: body)
        response.add("Content-Type", "application/json")
        response.add("Cache-Control", "no-store")
        response.add("Referrer-Policy", "no-referrer")
        response.add("X-Content-Type-Options", "nosniff")
        return response
    }

    func json(_ status: UInt16, _ members: [(String, JSONValue)]) -> LocalResponse {
        json(status, JSONObject(members))
    }

    /// A gRPC response without a message, all in the head.
    ///
    /// - Parameters:
    ///   - status: the status that an HTTP response would have.
    ///   - message: visible ASCII without `%`.
    ///   - statusOfGRPC: in decimal; nil: the one that belongs to `outcome` and `status`.
    func grpc(
        _ outcome: Outcome, _ status: UInt16, _ message: String, statusOfGRPC: String? = nil
    ) -> LocalResponse {
        var response = LocalResponse(status: 200)
        response.add("Content-Type", "application/grpc")
        response.add("grpc-status", statusOfGRPC ?? Self.grpcStatus(outcome, status))
        response.add("grpc-message", message)
        response.add("Cache-Control", "no-store")
        response.outcome = outcome
        return response
    }

    func notFound(_ request: borrowing AccessRequest) -> LocalResponse {
        error(404, request, outcome: .notFound)
    }

    func unsupportedMediaType(_ request: borrowing AccessRequest) -> LocalResponse {
        error(415, request)
    }

    func methodNotAllowed(_ request: borrowing AccessRequest, allow: String? = nil) -> LocalResponse {
        var response = error(405, request)
        response.add("Allow", allow ?? "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS")
        return response
    }

    /// Neither the config nor the request says where the browser is.
    func hostMissing(_ request: borrowing AccessRequest) -> LocalResponse {
        error(400, request)
    }

    /// The page (or JSON, by Accept) for an app that is down or broken (502), slow (504) or has too much to do (503).
    package func upstreamFailure(
        _ status: UInt16, of request: borrowing AccessRequest, statusOfGRPC: String? = nil
    ) -> LocalResponse {
        let requestID = request.idText
        var response: LocalResponse
        let name =
            switch status {
            case 503: "overloaded"
            case 504: "upstream_timeout"
            default: "upstream_unavailable"
            }
        if ContentType.isGRPC(request.head) {
            // UNAVAILABLE: the client may try again. Not so when the app broke off what it had begun.
            response = grpc(
                .upstreamFailure, status, statusOfGRPC == nil ? name : Reason.upstreamReset.rawValue,
                statusOfGRPC: statusOfGRPC)
        } else if NavigationTest.prefersJSON(request.head) {
            let error: JSONValue = .string(name)
            response = json(status, [("error", error), ("request_id", .string(requestID))])
        } else {
            response = page(
                status, .upstreamDown(status: status, requestID: requestID, tryAgain: Self.sameAddress(request)),
                for: request)
        }
        // RFC 9110 §10.2.3: the client may try again soon.
        if status == 503 { response.add("Retry-After", "1") }
        response.outcome = .upstreamFailure
        return response
    }

    /// 429 for a client that asks too often, with the seconds after which it may ask again (RFC 6585 §4).
    package func tooManyRequests(_ request: borrowing AccessRequest, retryAfter: UInt64) -> LocalResponse {
        var response = error(429, request, outcome: .limited)
        response.add("Retry-After", "\(max(1, retryAfter))")
        response.reason = .rateLimited
        return response
    }

    /// The small page (or JSON, when the head was read and asks for it) for a request that cannot be served: 400, 408,
    /// 413, 414, 431, 501, 505. The connection closes after it.
    package func badRequest(_ status: UInt16, of request: borrowing AccessRequest) -> LocalResponse {
        var response = error(status, request, outcome: .badRequest)
        response.closesConnection = true
        return response
    }

    func error(
        _ status: UInt16, _ request: borrowing AccessRequest, outcome: Outcome = .refused
    ) -> LocalResponse {
        let requestID = request.idText
        var response: LocalResponse
        if ContentType.isGRPC(request.head) {
            response = grpc(outcome, status, Self.errorName(status))
        } else if NavigationTest.prefersJSON(request.head) {
            response = json(
                status, [("error", .string(Self.errorName(status))), ("request_id", .string(requestID))])
        } else {
            let tryAgain = status == 503 ? Self.sameAddress(request) : nil
            response = page(
                status, .error(status: status, requestID: requestID, tryAgain: tryAgain), for: request)
        }
        response.outcome = outcome
        return response
    }

    /// The request's own address, for a page that offers to repeat the request; nil where that could do something twice, or
    /// the address is not kept whole.
    private static func sameAddress(_ request: borrowing AccessRequest) -> String? {
        guard request.isRead, request.head.method == .get || request.head.method == .head, request.path.reserved == nil,
            let target = ReturnTarget(of: request), !target.isShortened,
            target != .root || request.path.place.count == 1 && request.head.query == nil
        else { return nil }
        return String(decoding: target.bytes, as: UTF8.self)
    }

    /// As gRPC maps statuses of HTTP, but for 404 and 413, for which it has statuses of its own.
    private static func grpcStatus(_ outcome: Outcome, _ status: UInt16) -> String {
        switch outcome {
        case .unauthenticated: "16"
        case .notFound: "5"
        case .limited, .sessionUnknown, .upstreamFailure: "14"
        case .refused, .badRequest, .malformed, .forward, .open, .observe, .nativeLogin, .redirect, .choose, .confirm,
            .signIn,
            .signedIn, .guest, .loginLoop, .logout, .session, .keys, .answer, .forwardAuth, .none:
            switch status {
            case 403: "7"
            case 413, 431: "8"
            case 503: "14"
            default: "13"
            }
        }
    }

    private static func errorName(_ status: UInt16) -> String {
        switch status {
        case 404: "not_found"
        case 405: "method_not_allowed"
        case 408: "request_timeout"
        case 413: "content_too_large"
        case 414: "uri_too_long"
        case 415: "unsupported_media_type"
        case 429: "too_many_requests"
        case 431: "header_fields_too_large"
        case 501: "not_implemented"
        case 503: "unavailable"
        case 505: "http_version_not_supported"
        default: "bad_request"
        }
    }
}
