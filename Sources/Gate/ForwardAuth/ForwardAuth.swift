// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// `/.sidegate/auth`: another proxy serves the app and asks about each request. The judgement is the same as for requests
/// that pass the gate; the responses are those that the proxy's dialect understands.
struct ForwardAuth {
    private let rules: AccessRules
    private let needsMethod: Bool
    /// The identity headers of the configuration, and X-Auth-Request-* beside them.
    private let rendering: HeaderRendering
    /// Names that a query must not hold.
    private let lookAlikes: IdentityLookAlikes
    private let assertions: AssertionSigner?
    private let responses: Responses

    init(
        _ configuration: GateConfiguration, rules: AccessRules, assertions: AssertionSigner?, responses: Responses
    ) {
        rendering = Self.rendering(configuration)
        lookAlikes = IdentityLookAlikes(
            rendering.rules.map(\.name) + (configuration.assertion.map { [$0.header] } ?? []))
        self.rules = rules
        needsMethod = configuration.session.partitioned
        self.assertions = assertions
        self.responses = responses
    }

    /// - Parameters:
    ///   - judge: what becomes of the original request.
    ///   - reserved: what becomes of one for a reserved path; nil: it is refused.
    func step(
        _ query: borrowing AccessRequest, judge: (borrowing AccessRequest) -> Step,
        reserved: (borrowing AccessRequest) -> Step?
    ) -> Step {
        let original: OriginalRequest
        do throws(OriginalRequestProblem) {
            original = try OriginalRequest(query, rules, needsMethod: needsMethod)
        } catch {
            return .respond(refusedToProxy(error.response.status, error.response.reason))
        }
        // Another spelling of an identity header would reach the app beside the one that the proxy overwrites. Refused in
        // any mode and on any path.
        let step =
            lookAlikes.isIn(query.head)
            ? .respond(responses.signInRefused(.identityHeaderSpoofed, original.access, tryAgain: nil))
            : answer(original, query, judge, reserved)
        guard original.isNamed, case .done(.respond(var response)) = step else { return step }
        // The log names the request that was asked about.
        let head = original.access.head
        response.subject = RequestSubject(
            method: Array(head.bytes[head.methodName.range]), path: Array(head.bytes[head.path.range]))
        return .respond(response)
    }

    private func answer(
        _ original: borrowing OriginalRequest, _ query: borrowing AccessRequest,
        _ judge: (borrowing AccessRequest) -> Step, _ reserved: (borrowing AccessRequest) -> Step?
    ) -> Step {
        let step: Step
        switch original.access.path.reserved {
        case nil where original.access.head.method != .trace && original.access.head.method != .connect:
            step = judge(original.access)
        case .unreadable: step = reserved(original.access) ?? .respond(refusedToProxy(403, .pathUnreadable))
        // The proxy must send those to the gate; in no spelling are they the app's.
        case .callback: step = .respond(refusedToProxy(403, .reservedPath))
        default: step = reserved(original.access) ?? .respond(refusedToProxy(403, .reservedPath))
        }
        let decision: Decision
        switch step {
        case .ask(let question): return .ask(question)
        case .done(let result): decision = result
        }
        switch decision {
        case .forward(let identity, let renewal):
            return .respond(granted(identity, renewal, original))
        case .forwardLogout(let identity, _):
            return .respond(granted(identity, nil, original))
        case .observed(let identity, let renewal, let observation):
            var response = granted(identity, renewal, original)
            response.outcome = .observe
            response.reason = observation.reason
            response.detail = observation.remark?.detail
            if response.user?.isEmpty ?? true { response.user = observation.remark?.user }
            response.provider = response.provider ?? observation.remark?.provider
            return .respond(response)
        case .nativeLogin(let cookie):
            return .respond(granted(nil, cookie, original))
        case .respond(let response):
            // nginx turns a 400 into a 500.
            if response.reason == .pathUnreadable {
                return .respond(refusedToProxy(403, .pathUnreadable))
            }
            let passes = original.dialect.passesResponses || Self.requestsRedirect(query.head)
            return .respond(passes ? passed(response) : plain(response, original.access))
        }
    }

    /// X-Auth-Request-* and the identity headers, empty where there is nothing to say, so that what a browser sent under
    /// these names is overwritten by proxies that copy them.
    private func granted(
        _ identity: Identity?, _ setCookies: [UInt8]?, _ original: borrowing OriginalRequest
    ) -> LocalResponse {
        var response = LocalResponse(status: original.dialect.grantStatus)
        let present = identity.map { rendering.block(for: $0.fields) } ?? []
        response.add(block: present)
        let names = present.split(separator: 10).map { line in
            SpoofFilter.folded(String(decoding: line.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self))
        }
        for rule in rendering.rules {
            let folded = SpoofFilter.folded(rule.name)
            guard !names.contains(folded) else { continue }
            // Never empty without need, since apps read it themselves; but the browser's own must not pass for the gate's.
            if rule.isAuthorization,
                !original.access.head.fields.contains(where: { $0.known == .authorization })
            {
                continue
            }
            response.add(block: Array(rule.name.utf8) + Array(": \r\n".utf8))
        }
        if identity?.isBearer ?? false, !rendering.rules.contains(where: { $0.isAuthorization }) {
            // As for requests that pass the gate itself, the app does not get the token, if the proxy copies this.
            response.add("Authorization", "")
        }
        if let assertions {
            var line: [UInt8] = []
            if let identity { assertions.append(for: identity, now: original.access.context.now, to: &line) }
            response.add(block: line.isEmpty ? assertions.emptyLine : line)
        }
        response.add("Cache-Control", "no-store")
        if let setCookies { response.add(block: setCookies) }
        response.outcome = identity == nil ? .open : .forward
        response.user = identity?.user
        return response
    }

    /// A response that the browser gets as it is; but 2xx would let the request pass.
    private func passed(_ response: LocalResponse) -> LocalResponse {
        guard (200..<300).contains(response.status) else { return response }
        var response = response
        switch response.outcome.denial {
        case .redirect, .unauthenticated: response.status = 401
        case .denied: response.status = 403
        }
        return response
    }

    /// 401 or 403, for proxies that understand no other refusal.
    private func plain(_ response: LocalResponse, _ original: borrowing AccessRequest) -> LocalResponse {
        switch response.outcome.denial {
        case .redirect, .unauthenticated:
            return response.status == 401 ? response : unauthenticatedNavigation(original, response.reason)
        case .denied:
            var response = response
            response.status = 403
            return response
        }
    }

    /// 401 in place of a redirect; the address in it leads back to the original page.
    private func unauthenticatedNavigation(_ original: borrowing AccessRequest, _ reason: Reason?) -> LocalResponse {
        var url = Array(LoginAddress.path.utf8)
        if let origin = original.publicOrigin {
            url = LoginAddress.url(ReturnTarget(of: original) ?? .root, on: origin)
        }
        return responses.unauthenticatedJSON(url, reason, responses.choice(original, nil))
    }

    private func refusedToProxy(_ status: UInt16, _ reason: Reason) -> LocalResponse {
        var response = responses.json(status, [("error", "forward_auth"), ("reason", .string(reason.rawValue))])
        response.outcome = .forwardAuth
        response.reason = reason
        return response
    }

    /// `?redirect=1`
    private static func requestsRedirect(_ request: RequestHead) -> Bool {
        Parameters(query: request).values("redirect").contains { value in
            ["1", "true", "yes"].contains { value.elementsEqual($0.utf8) }
        }
    }

    private static func rendering(_ configuration: GateConfiguration) -> HeaderRendering {
        let own = configuration.identityHeaders
        let names = Set(own.map { SpoofFilter.folded($0.name) })
        let more = HeaderPreset.authRequest.rules.filter { !names.contains(SpoofFilter.folded($0.name)) }
        return HeaderRendering(rules: own + more, encoding: configuration.headerEncoding)
    }
}

extension HeaderRule {
    fileprivate var isAuthorization: Bool { SpoofFilter.folded(name) == SpoofFilter.folded("authorization") }
}
