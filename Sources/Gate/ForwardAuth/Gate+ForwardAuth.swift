// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT
import Pages

// `/.sidegate/auth`: another proxy serves the app and asks about each request (nginx `auth_request`, Traefik
// `forwardAuth`, Caddy `forward_auth`, Envoy `ext_authz`). The judgement is the same as for requests that pass here.
extension Gate {
    func forwardAuth(_ request: borrowing AccessRequest) -> Decision {
        let original: OriginalRequest
        do throws(OriginalRequest.Problem) {
            original = try OriginalRequest(request, rules, needsPath: !rules.isEmpty)
        } catch {
            return .respond(unanswerable(error))
        }
        let decision =
            lookAlikes.isIn(request.head)
            ? .respond(spoofed(original)) : answer(original, request)
        return original.isNamed ? about(original.access.head, decision) : decision
    }

    /// The logs tell of the request that was asked about.
    private func about(_ head: RequestHead, _ decision: Decision) -> Decision {
        guard case .respond(var response) = decision else { return decision }
        response.subject = RequestSubject(
            method: Array(head.bytes[head.methodName.range]), path: Array(head.bytes[head.path.range]))
        return .respond(response)
    }

    private func answer(_ original: borrowing OriginalRequest, _ request: borrowing AccessRequest) -> Decision {
        let passesAnswers = original.isInPath || Self.asksForRedirect(request)
        switch original.access.path.reserved {
        case nil where original.access.head.method != .trace && original.access.head.method != .connect: break
        case .unreadable: return .respond(refusedToProxy(403, ReasonCode.pathUnreadable.rawValue))
        default:
            // Those are to be sent here by the proxy; in no spelling are they the app's.
            return .respond(refusedToProxy(403, "reserved_path"))
        }
        switch admit(original.access) {
        case .forward(let identity, let renewal):
            return .respond(admitted(identity, renewal, original))
        case .forwardLogout(let identity, _):
            return .respond(admitted(identity, nil, original))
        case .fetchSession(let session):
            return .fetchSession(session)
        case .observed(let identity, let renewal, let observation):
            var response = admitted(identity, renewal, original)
            response.decision = "observe"
            response.reason = observation.reason
            return .respond(response)
        case .nativeLogin(let cookie):
            return .respond(admitted(nil, cookie, original))
        case .awaitKeys:
            return .awaitKeys
        case .checkToken(let question):
            return .checkToken(question)
        case .respond(let response):
            // nginx makes a 500 of a 400.
            if response.reason == ReasonCode.pathUnreadable.rawValue {
                return .respond(refusedToProxy(403, ReasonCode.pathUnreadable.rawValue))
            }
            return .respond(passesAnswers ? passed(response) : plain(response, original.access))
        case .collectBody, .consumeToken, .provision, .consumeLogoutToken, .revoke, .storeSession:
            return .respond(refusedToProxy(403, "reserved_path"))
        }
    }

    /// 202: X-Auth-Request-* and the identity headers, empty where there is nothing to say, so that what a browser sent
    /// under these names is overwritten by proxies that copy them.
    private func admitted(
        _ identity: Identity?, _ setCookies: [UInt8]?, _ original: borrowing OriginalRequest
    ) -> LocalResponse {
        // Envoy takes 200 alone for a yes.
        var response = LocalResponse(status: original.isInPath ? 200 : 202)
        let present = identity.map { authRendering.block(for: $0.fields) } ?? []
        response.add(block: present)
        let names = present.split(separator: 10).map { line in
            SpoofFilter.folded(String(decoding: line.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self))
        }
        for rule in authRendering.rules {
            let folded = SpoofFilter.folded(rule.name)
            guard !names.contains(folded) else { continue }
            // Never empty without need, since apps read it themselves; but the browser's own must not pass for ours.
            if folded == SpoofFilter.folded("authorization"),
                !original.access.head.fields.contains(where: { $0.known == .authorization })
            {
                continue
            }
            response.add(block: Array(rule.name.utf8) + Array(": \r\n".utf8))
        }
        if let assertion = configuration.assertion {
            var line: [UInt8] = []
            if let identity { appendAssertion(of: identity, now: original.access.context.now, to: &line) }
            response.add(block: line.isEmpty ? Array("\(assertion.header): \r\n".utf8) : line)
        }
        response.add("Cache-Control", "no-store")
        if let setCookies { response.add(block: setCookies) }
        response.decision = identity == nil ? "open" : "forward"
        response.user = identity?.user
        return response
    }

    /// An answer that goes on to the browser as it is: but 2xx would let it in.
    private func passed(_ response: LocalResponse) -> LocalResponse {
        guard (200..<300).contains(response.status) else { return response }
        var response = response
        response.status = response.decision.description == "unauthenticated" ? 401 : 403
        return response
    }

    /// 401 or 403, for proxies that understand no other refusal.
    private func plain(
        _ response: LocalResponse, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        switch response.decision.description {
        case "redirect", "unauthenticated":
            if response.status == 401 { return response }
            return unauthenticatedNavigation(request, response.reason)
        default:
            var answer = response
            answer.status = 403
            return answer
        }
    }

    /// 401 in place of a redirect; what the proxy makes of it is to lead back to the page that was asked for.
    private func unauthenticatedNavigation(
        _ request: borrowing AccessRequest, _ reason: String?
    ) -> LocalResponse {
        var url: [UInt8] = []
        if let known = siteCache(request) {
            let target = ReturnTarget(of: request, prefix: known.targetPrefix, origin: known.origin)
            known.origin.append(to: &url)
            url.append(contentsOf: Self.loginPath(target).utf8)
        } else {
            url.append(contentsOf: Self.plainLoginPath.utf8)
        }
        var response = unauthenticatedJSON(url, nil)
        response.reason = reason
        return response
    }

    /// The proxy asked in a way that has no answer: its administrator finds the reason in the log and in the body.
    private func unanswerable(_ problem: OriginalRequest.Problem) -> LocalResponse {
        switch problem {
        case .untrusted: refusedToProxy(403, "proxy_not_trusted")
        case .unnamed: refusedToProxy(400, "original_url_missing")
        case .withoutMethod: refusedToProxy(400, "original_method_missing")
        case .contradictory: refusedToProxy(400, "original_request_contradictory")
        case .malformed: refusedToProxy(400, "original_request_malformed")
        }
    }

    /// Another spelling of an identity header would reach the app beside the one that the proxy overwrites. Refused in
    /// any mode and on any path.
    private func spoofed(_ original: borrowing OriginalRequest) -> LocalResponse {
        signInRefused(.identityHeaderSpoofed, original.access, tryAgain: nil)
    }

    private func refusedToProxy(_ status: UInt16, _ reason: String) -> LocalResponse {
        var response = json(status, [("error", "forward_auth"), ("reason", .string(reason))])
        response.decision = "forward-auth"
        response.reason = reason
        return response
    }

    /// `?redirect=1`
    private static func asksForRedirect(_ request: borrowing AccessRequest) -> Bool {
        Parameters(query: request.head).values("redirect").contains { value in
            ["1", "true", "yes"].contains { value.elementsEqual($0.utf8) }
        }
    }

    /// The config's own headers, and X-Auth-Request-* beside them.
    static func authRendering(_ configuration: GateConfiguration) -> HeaderRendering {
        let own = configuration.identityHeaders
        let names = Set(own.map { SpoofFilter.folded($0.name) })
        let more = HeaderPreset.authRequest.rules.filter { !names.contains(SpoofFilter.folded($0.name)) }
        return HeaderRendering(rules: own + more, encoding: configuration.headerEncoding)
    }
}
