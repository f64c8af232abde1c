// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT
import Pages

// Refusals of a user, or of a request without one. Each has a reason code.
extension Responses {
    /// A sign-in that was refused.
    ///
    /// - Parameters:
    ///   - cause: for the page, where it is known more precisely than by its reason.
    ///   - detail: for the log.
    ///   - method: how the user was to sign in.
    func signInRefused(
        _ reason: Reason, status: UInt16 = 403, _ request: borrowing AccessRequest, account: String? = nil,
        tryAgain: String?, cause: RefusalCause? = nil, detail: String? = nil, by method: SignInMethod = .redirect
    ) -> LocalResponse {
        var response: LocalResponse
        if NavigationTest.prefersJSON(request.head) {
            var members = refusalMembers("sign_in_refused", reason, cause)
            if !request.id.isEmpty { members.append(("request_id", .string(request.idText))) }
            if let tryAgain { members.append(("login_url", .string(tryAgain))) }
            response = json(status, members)
        } else {
            response = page(
                status,
                .refused(
                    reason: reason, requestID: request.idText, account: account, tryAgain: tryAgain, cause: cause,
                    method: method),
                for: request)
        }
        response.outcome = .refused
        response.reason = reason
        response.detail = detail
        return response
    }

    /// 503: the identity provider cannot be reached. Soon it may be.
    func providerUnavailable(
        _ request: borrowing AccessRequest, tryAgain: String, detail: String?
    ) -> LocalResponse {
        var response = signInRefused(
            .providerUnavailable, status: 503, request, tryAgain: tryAgain, detail: detail)
        response.add("Retry-After", "5")
        return response
    }

    /// 401 without a redirect: it names the address at which a page's script can send the user to sign in.
    /// With several providers, each with an address of its own.
    ///
    /// - Parameter allowed: the names of the providers that the rules allow; nil: all.
    func unauthenticatedJSON(
        _ request: borrowing AccessRequest, _ reason: Reason?, at allowed: [String]? = nil
    ) -> LocalResponse {
        unauthenticatedJSON(LoginAddress.url(for: request), reason, choice(request, allowed))
    }

    /// - Parameter offered: the providers to choose from; with one the address leads there.
    func unauthenticatedJSON(
        _ loginURL: [UInt8], _ reason: Reason?, _ offered: [ProviderOffers.Offer]
    ) -> LocalResponse {
        var url = loginURL
        if offered.count == 1, let only = offered.first, !only.name.isEmpty {
            url = LoginAddress.adding([only.name], to: url)
        }
        var members: [(String, JSONValue)] = [("error", "unauthenticated"), ("login_url", Self.text(url))]
        if offered.count > 1 {
            members.append(
                (
                    "providers",
                    .array(
                        offered.map { offer in
                            .object(
                                JSONObject([
                                    ("name", .string(offer.name)), ("label", .string(offer.label)),
                                    ("login_url", Self.text(LoginAddress.adding([offer.name], to: loginURL))),
                                ]))
                        })
                ))
        }
        var response = json(401, members)
        response.add("WWW-Authenticate", "Bearer")
        response.outcome = .unauthenticated
        response.reason = reason
        return response
    }

    /// 401 for a frame: the login pages of providers cannot be framed, and a browser that keeps no cookies in frames would
    /// sign in without end. A page with a link that leaves the frame.
    ///
    /// - Parameter signIn: an address of ours.
    func framed(_ request: borrowing AccessRequest, _ reason: Reason?, signIn: String) -> LocalResponse {
        var response = page(401, .framed(signIn: LoginAddress.inFrame(signIn)), for: request, traits: .framed)
        response.add("WWW-Authenticate", "Bearer")
        response.outcome = .unauthenticated
        response.reason = reason
        return response
    }

    /// 403 for a request that another site's page may have made, with the session of the user (`session.partitioned`).
    func crossSite(_ identity: Identity, _ request: borrowing AccessRequest) -> LocalResponse {
        let reason = Reason.crossSiteRequest
        guard !ContentType.isGRPC(request.head) else { return grpcDenied(reason, identity) }
        var response: LocalResponse
        if NavigationTest.namesPage(request.head) {
            response = page(
                403, .refused(reason: reason, requestID: request.idText), for: request)
        } else {
            response = json(403, refusalMembers("forbidden", reason) + [("request_id", .string(request.idText))])
        }
        response.outcome = .refused
        response.reason = reason
        response.user = identity.user
        if !identity.provider.isEmpty { response.provider = identity.provider }
        return response
    }

    private static func text(_ bytes: [UInt8]) -> JSONValue { .string(String(decoding: bytes, as: UTF8.self)) }

    /// Status 16 is UNAUTHENTICATED.
    func grpcUnauthenticated(_ reason: Reason?) -> LocalResponse {
        var response = grpc(.unauthenticated, 401, reason?.rawValue ?? "unauthenticated")
        response.reason = reason
        return response
    }

    /// 401, with what is wrong with the bearer token; 503 when that is not known.
    func invalidBearer(_ refusal: SignInRefusal, _ request: borrowing AccessRequest) -> LocalResponse {
        var response = invalidBearer(refusal.reason, request)
        (response.detail, response.user) = (refusal.detail, refusal.user)
        return response
    }

    private func invalidBearer(_ reason: Reason, _ request: borrowing AccessRequest) -> LocalResponse {
        if reason == .replayStoreUnavailable { return bearerUnknown(request) }
        if ContentType.isGRPC(request.head) { return grpcUnauthenticated(reason) }
        var response = json(
            401,
            [
                ("error", "invalid_token"), ("error_description", .string(reason.rawValue)),
                ("login_url", .string(String(decoding: LoginAddress.url(for: request), as: UTF8.self))),
            ])
        response.add(
            "WWW-Authenticate", "Bearer error=\"invalid_token\", error_description=\"\(reason.rawValue)\"")
        response.outcome = .unauthenticated
        response.reason = reason
        return response
    }

    /// The token may be valid, but it is not known whether it has signed in: the client is to keep it and try again.
    private func bearerUnknown(_ request: borrowing AccessRequest) -> LocalResponse {
        let reason = Reason.replayStoreUnavailable
        var response =
            ContentType.isGRPC(request.head)
            ? grpc(.refused, 503, reason.rawValue)
            : json(503, [("error", "temporarily_unavailable"), ("error_description", .string(reason.rawValue))])
        response.add("Retry-After", "2")
        response.outcome = .refused
        response.reason = reason
        return response
    }

    /// 503: the session may be valid, but the store that knows does not answer. No redirect, which would end in a loop.
    func sessionUnknown(_ request: borrowing AccessRequest) -> LocalResponse {
        var response = error(503, request, outcome: .sessionUnknown)
        response.add("Retry-After", "2")
        return response
    }

    /// 403 for a known user.
    ///
    /// - Parameter allowed: the names of the providers that the rules allow; nil: all.
    package func forbidden(
        _ reason: Reason, _ identity: Identity, _ request: borrowing AccessRequest, at allowed: [String]? = nil
    ) -> LocalResponse {
        var response = forbiddenResponse(reason, identity, request, at: allowed)
        if !identity.provider.isEmpty { response.provider = identity.provider }
        return response
    }

    private func forbiddenResponse(
        _ reason: Reason, _ identity: Identity, _ request: borrowing AccessRequest, at allowed: [String]?
    ) -> LocalResponse {
        if ContentType.isGRPC(request.head) { return grpcDenied(reason, identity) }
        if identity.isBearer { return insufficientBearer(reason, identity) }
        let isNavigation = NavigationTest.isNavigation(request.head)
        return forbidden(
            reason, identity.fields, request,
            asJSON: Self.isForProgram(request),
            returnTo: isNavigation ? ReturnTarget(of: request) ?? .root : .root, at: allowed)
    }

    /// 403: the page names the account and offers another; JSON for other clients.
    func forbidden(
        _ reason: Reason, _ fields: UserAttributes, _ request: borrowing AccessRequest, asJSON: Bool,
        returnTo target: ReturnTarget, isSignIn: Bool = false, at allowed: [String]? = nil
    ) -> LocalResponse {
        var switchAccount = Array("/.sidegate/logout?return_to=".utf8)
        switchAccount.appendPercentEncoded(target.bytes)
        // The session may be good for all else here: another sign-in replaces it.
        if reason == .providerNotAllowed, let allowed {
            switchAccount = Array(LoginAddress.path(target, at: allowed).utf8)
        }
        var response: LocalResponse
        if asJSON {
            var members = refusalMembers(isSignIn ? "sign_in_refused" : "forbidden", reason)
            members.append(("account", .string(fields.account)))
            if !request.id.isEmpty { members.append(("request_id", .string(request.idText))) }
            response = json(403, members)
        } else {
            response = page(
                403,
                .notAllowed(
                    reason: reason, account: fields.account, requestID: request.idText,
                    switchAccount: String(decoding: switchAccount, as: UTF8.self)),
                for: request)
        }
        response.outcome = .refused
        response.reason = reason
        response.user = fields.user
        return response
    }

    /// 403 for a request without a user.
    func denied(_ request: borrowing AccessRequest) -> LocalResponse {
        let reason = Reason.ruleDenied
        guard !ContentType.isGRPC(request.head) else { return grpcDenied(reason, nil) }
        guard Self.isForProgram(request) else { return signInRefused(reason, request, tryAgain: nil) }
        var members = refusalMembers("forbidden", reason)
        if !request.id.isEmpty { members.append(("request_id", .string(request.idText))) }
        var response = json(403, members)
        response.outcome = .refused
        response.reason = reason
        return response
    }

    /// The client wants JSON. A browser that navigates, or sends a form, gets a page.
    private static func isForProgram(_ request: borrowing AccessRequest) -> Bool {
        NavigationTest.isNavigation(request.head)
            ? NavigationTest.prefersJSON(request.head) : !NavigationTest.namesPage(request.head)
    }

    /// 400: it cannot be said which path the app would take it for.
    func unreadable(_ request: borrowing AccessRequest) -> LocalResponse {
        let reason = Reason.pathUnreadable
        var response: LocalResponse
        if ContentType.isGRPC(request.head) {
            response = error(400, request)
        } else if !Self.isForProgram(request) {
            response = signInRefused(reason, status: 400, request, tryAgain: nil)
        } else {
            response = json(400, refusalMembers("bad_request", reason) + [("request_id", .string(request.idText))])
        }
        response.outcome = .badRequest
        response.reason = reason
        return response
    }

    /// RFC 6750 §3.1: the token is valid, but not sufficient for this.
    private func insufficientBearer(_ reason: Reason, _ identity: Identity) -> LocalResponse {
        var response = json(
            403,
            [
                ("error", "insufficient_scope"), ("error_description", .string(reason.rawValue)),
                ("account", .string(identity.fields.account)),
            ])
        response.add(
            "WWW-Authenticate", "Bearer error=\"insufficient_scope\", error_description=\"\(reason.rawValue)\"")
        response.outcome = .refused
        response.reason = reason
        response.user = identity.user
        return response
    }

    /// Status 7 is PERMISSION_DENIED.
    private func grpcDenied(_ reason: Reason, _ identity: Identity?) -> LocalResponse {
        var response = grpc(.refused, 403, reason.rawValue)
        response.reason = reason
        response.user = identity?.user
        return response
    }

    /// Programs get English, whatever language a page would have.
    private func refusalMembers(
        _ error: String, _ reason: Reason, _ cause: RefusalCause? = nil
    ) -> [(String, JSONValue)] {
        [
            ("error", .string(error)), ("reason", .string(reason.rawValue)),
            ("message", .string(ReasonText.of(reason, cause).happened)),
        ]
    }
}
