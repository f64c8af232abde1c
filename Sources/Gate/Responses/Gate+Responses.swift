// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT
import Pages

// Sidegate's own answers: pages for people, JSON for whoever asks for it. None may be stored, and none tells the next
// page where it came from.
extension Gate {
    func page(_ status: UInt16, _ page: Page, hasForm: Bool = false) -> LocalResponse {
        var response = LocalResponse(status: status, body: configuration.pages.render(page))
        addPageFields(&response, hasForm: hasForm)
        return response
    }

    /// The body of redirects: no browser ever shows a blank page.
    func redirectBody(_ url: [UInt8]) -> [UInt8] {
        configuration.pages.render(.redirecting(to: String(decoding: url, as: UTF8.self)))
    }

    /// What all pages have; see ``PageFields``.
    func addPageFields(_ response: inout LocalResponse, hasForm: Bool = false) {
        response.add(block: hasForm ? formPageFields : pageFields)
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

    /// A sign-in that was refused.
    func signInRefused(
        _ reason: ReasonCode, status: UInt16 = 403, _ request: borrowing AccessRequest,
        account: String? = nil, tryAgain: String?
    ) -> LocalResponse {
        signInRefused(
            reason, status: status, asJSON: NavigationTest.prefersJSON(request.head),
            requestID: request.idText, account: account, tryAgain: tryAgain)
    }

    func signInRefused(_ reason: ReasonCode, status: UInt16, _ pending: PendingSignIn) -> LocalResponse {
        var response = signInRefused(
            reason, status: status, asJSON: pending.answersJSON, requestID: pending.requestID,
            account: pending.fields.account, tryAgain: Self.loginPath(pending.target))
        response.user = pending.user
        return response
    }

    private func signInRefused(
        _ reason: ReasonCode, status: UInt16, asJSON: Bool, requestID: String, account: String?, tryAgain: String?
    ) -> LocalResponse {
        var response: LocalResponse
        if asJSON {
            var members: [(String, JSONValue)] = [
                ("error", "sign_in_refused"), ("reason", .string(reason.rawValue)),
                ("message", .string(Reason.of(reason.rawValue).happened)),
            ]
            if !requestID.isEmpty { members.append(("request_id", .string(requestID))) }
            if let tryAgain { members.append(("login_url", .string(tryAgain))) }
            response = json(status, members)
        } else {
            response = page(
                status,
                .refused(code: reason.rawValue, requestID: requestID, account: account, tryAgain: tryAgain))
        }
        response.decision = "refused"
        response.reason = reason.rawValue
        return response
    }

    /// The third time back without a session.
    func loginLoop(
        _ request: borrowing AccessRequest, tryAgain: String
    ) -> LocalResponse {
        loopDetector.forget(watchKey(request))
        let requestID = request.idText
        var response: LocalResponse
        if NavigationTest.prefersJSON(request.head) {
            response = json(403, [("error", "login_loop"), ("request_id", .string(requestID))])
        } else {
            response = page(403, .loginLoop(causes: [], requestID: requestID, tryAgain: tryAgain))
        }
        // "Try again" begins to count anew.
        response.add("Set-Cookie", setCookie(isSecure: request.origin.isSecure).expired(names(request).returns))
        response.decision = "login-loop"
        return response
    }

    func unauthenticatedJSON(
        _ request: borrowing AccessRequest, _ reason: ReasonCode?
    ) -> LocalResponse {
        unauthenticatedJSON(Array(loginURL(request).utf8), reason)
    }

    func unauthenticatedJSON(_ loginURL: [UInt8], _ reason: ReasonCode?) -> LocalResponse {
        var response = json(
            401,
            [("error", "unauthenticated"), ("login_url", .string(String(decoding: loginURL, as: UTF8.self)))])
        response.add("WWW-Authenticate", "Bearer")
        response.decision = "unauthenticated"
        response.reason = reason?.rawValue
        return response
    }

    /// A gRPC answer without a message, all in the head.
    ///
    /// - Parameters:
    ///   - status: of gRPC, in decimal.
    ///   - message: visible ASCII without `%`.
    func grpc(_ status: String, _ message: String) -> LocalResponse {
        var response = LocalResponse(status: 200)
        response.add("Content-Type", "application/grpc")
        response.add("grpc-status", status)
        response.add("grpc-message", message)
        response.add("Cache-Control", "no-store")
        return response
    }

    /// Status 16 is UNAUTHENTICATED.
    func grpcUnauthenticated(_ reason: ReasonCode?) -> LocalResponse {
        var response = grpc("16", reason?.rawValue ?? "unauthenticated")
        response.decision = "unauthenticated"
        response.reason = reason?.rawValue
        return response
    }

    func isGRPC(_ request: borrowing AccessRequest) -> Bool {
        hasContentType(request) { type in
            guard type.count >= 16, type.extracting(0..<16).equalsIgnoringCase("application/grpc") else { return false }
            return type.count == 16 || type[16] == UInt8(ascii: "+") || type[16] == UInt8(ascii: "-")
        }
    }

    func isForm(_ request: borrowing AccessRequest) -> Bool {
        hasContentType(request) { $0.equalsIgnoringCase("application/x-www-form-urlencoded") }
    }

    /// There is a Content-Type, and each that there is passes.
    private func hasContentType(_ request: borrowing AccessRequest, _ test: (Span<UInt8>) -> Bool) -> Bool {
        var found = false
        let bytes = request.head.bytes.span
        for field in request.head.fields where field.known == .contentType {
            let end = bytes.firstIndex(of: UInt8(ascii: ";"), in: field.value.range)
            guard test(bytes.extracting(bytes.trimmed(field.value.lowerBound..<end))) else { return false }
            found = true
        }
        return found
    }

    func notFound(_ request: borrowing AccessRequest) -> LocalResponse {
        error(404, request, decision: "not-found")
    }

    /// The body is a token, without a form around it.
    func isBareToken(_ request: borrowing AccessRequest) -> Bool {
        hasContentType(request) { type in
            type.equalsIgnoringCase("application/jwt") || type.equalsIgnoringCase("application/logout+jwt")
                || type.equalsIgnoringCase("text/plain")
        }
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
        if isGRPC(request) {
            // UNAVAILABLE: the client may try again. Not so when the app broke off what it had begun.
            response = statusOfGRPC.map { grpc($0, "upstream_reset") } ?? grpc("14", name)
        } else if NavigationTest.prefersJSON(request.head) {
            let error: JSONValue = .string(name)
            response = json(status, [("error", error), ("request_id", .string(requestID))])
        } else {
            response = page(status, .upstreamDown(status: status, requestID: requestID))
        }
        // RFC 9110 §10.2.3: who was too many may come again soon.
        if status == 503 { response.add("Retry-After", "1") }
        response.decision = "upstream-failure"
        return response
    }

    /// 429 for a client that asks too often, with the seconds after which it may ask again (RFC 6585 §4).
    package func tooManyRequests(_ request: borrowing AccessRequest, retryAfter: UInt64) -> LocalResponse {
        var response = error(429, request, decision: "limited")
        response.add("Retry-After", "\(max(1, retryAfter))")
        response.reason = "rate_limited"
        return response
    }

    /// The small page (or JSON, when the head was read and asks for it) for a request that cannot be served: 400, 408,
    /// 413, 414, 431, 501, 505. The connection closes after it.
    package func badRequest(_ status: UInt16, of request: borrowing AccessRequest) -> LocalResponse {
        var response = error(status, request, decision: "bad-request")
        response.closesConnection = true
        return response
    }

    func error(
        _ status: UInt16, _ request: borrowing AccessRequest, decision: StaticString = "refused"
    ) -> LocalResponse {
        let requestID = request.idText
        var response: LocalResponse
        if isGRPC(request) {
            response = grpc(Self.grpcStatus(status), Self.errorName(status))
        } else if NavigationTest.prefersJSON(request.head) {
            response = json(
                status, [("error", .string(Self.errorName(status))), ("request_id", .string(requestID))])
        } else {
            response = page(status, .error(status: status, requestID: requestID))
        }
        response.decision = decision
        return response
    }

    /// As gRPC maps statuses of HTTP, but for 404 and 413, which it has words for.
    private static func grpcStatus(_ status: UInt16) -> String {
        switch status {
        case 401: "16"
        case 403: "7"
        case 404: "5"
        case 413, 431: "8"
        case 429, 502, 503, 504: "14"
        default: "13"
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
