// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import Pages

/// Forms that a browser sends when its session is over: a page keeps them until the user is signed in again.
///
/// Nothing is stored: the fields are in the page, and go from there to where the form was going. Only a form of this very
/// site is kept, since a kept one is sent by the user's own click. A cookie names the account whose session has ended; when
/// another one sends the form, the user is asked first. That is recognised by the form and its address, so that no other
/// request of that account is touched.
final class KeptForms {
    private let limit: Int
    private let seal: Seal
    private let markers: FormMarkers
    private let sessions: Sessions
    private let responses: Responses

    init(limit: Int, seal: Seal, sessions: Sessions, cookies: OwnCookies, responses: Responses) {
        self.limit = limit
        self.seal = seal
        markers = FormMarkers(seal, cookies)
        self.sessions = sessions
        self.responses = responses
    }

    // MARK: Without a session

    /// What becomes of a form of a browser without a session; nil: the request is none.
    ///
    /// - Parameters:
    ///   - reason: why the session that came with it does not count.
    ///   - allowed: the names of the providers that the rules allow; nil: all.
    func step(_ request: borrowing AccessRequest, _ reason: Reason?, at allowed: [String]?) -> Step? {
        guard NavigationTest.isFormSubmission(request.head), !request.isPassedOn else { return nil }
        return step(request, to: target(of: request), reason, at: allowed)
    }

    private func step(
        _ request: borrowing AccessRequest, to target: ReturnTarget?, _ reason: Reason?, at allowed: [String]?
    ) -> Step {
        let signIn = LoginAddress.path(.form, at: allowed ?? [])
        let last = sessions.last(of: request)
        do throws(FormLoss) {
            let encoding = try encoding(of: request)
            guard let target else { throw .address }
            guard let collected = request.collectedForm ?? read(request) else {
                return .ask(.collectForm(limit: limit))
            }
            let content = try content(collected, encoding)
            let form = try form(content, encoding, to: String(decoding: target.bytes, as: UTF8.self))
            var response = responses.formPage(
                401, .keptForm(form, hasEnded: reason != nil, account: last?.fields.account, signIn: signIn), request)
            if let last {
                let marker = FormMarker(
                    digest: content.digest(at: target.bytes), keptAt: request.context.now,
                    owner: FormMarker.owner(last.fields, of: last.provider), account: last.fields.account)
                for cookie in markers.setCookies(for: marker, at: target, request) {
                    response.add("Set-Cookie", cookie)
                }
            }
            return .respond(unauthenticated(response, reason, detail: "the form was kept"))
        } catch {
            return .respond(lost(error, reason, signIn, account: last?.fields.account, request))
        }
    }

    private func lost(
        _ loss: FormLoss, _ reason: Reason?, _ signIn: String, account: String?, _ request: borrowing AccessRequest
    ) -> LocalResponse {
        let response = responses.formPage(
            401,
            .lostForm(loss, hasEnded: reason != nil, account: account, signIn: signIn, requestID: request.idText),
            request)
        return unauthenticated(response, reason, detail: loss.description)
    }

    /// There is no memory for the page.
    func lostForRoom(_ request: borrowing AccessRequest) -> LocalResponse {
        var reason: Reason?
        switch sessions.session(of: request) {
        case .valid: return responses.error(503, request)
        case .refused(let code): reason = code
        case .none, .needsLookup, .storeUnavailable: break
        }
        return lost(
            .noRoom, reason, LoginAddress.path(.form), account: sessions.last(of: request)?.fields.account, request)
    }

    private func unauthenticated(_ response: LocalResponse, _ reason: Reason?, detail: String) -> LocalResponse {
        var response = response
        // RFC 9110 §15.5.2. Browsers ask for no password then.
        response.add("WWW-Authenticate", "Bearer")
        response.outcome = .unauthenticated
        response.reason = reason
        response.detail = detail
        return response
    }

    // MARK: With a session

    /// The question whether this account may send the form that another one's page keeps; nil: it is no such form.
    func question(_ identity: Identity, _ request: borrowing AccessRequest) -> Step? {
        guard limit > 0, !identity.isBearer, !request.isPassedOn, markers.arePresent(in: request),
            NavigationTest.isFormSubmission(request.head), SiteCheck.isSameOrigin(request),
            let encoding = FormEncoding(request.head), let target = target(of: request)
        else { return nil }
        let user = FormMarker.owner(identity.fields, of: identity.provider)
        let others = markers.markers(of: target, in: request).filter { $0.owner != user }
        guard !others.isEmpty, !isLonger(request.head, than: limit + Self.slack) else { return nil }
        switch request.collectedForm {
        case nil: return .ask(.collectForm(limit: limit + Self.slack))
        case .tooLarge: return nil
        // It may be that form, and must not be sent unasked.
        case .noRoom: return .respond(responses.error(503, request))
        case .whole(let bytes):
            guard let content = try? FormContent(bytes, encoding) else { return nil }
            let digest = content.digest(at: target.bytes)
            guard let owner = others.first(where: { $0.digest == digest }) else { return nil }
            return ask(FormConsent(target: target, owner: owner, user: user), content, encoding, identity, request)
        }
    }

    private func ask(
        _ consent: FormConsent, _ content: FormContent, _ encoding: FormEncoding, _ identity: Identity,
        _ request: borrowing AccessRequest
    ) -> Step {
        guard let scope = request.cookieScope,
            let form = try? form(content, encoding, to: consent.address(seal, scope))
        else { return .respond(responses.error(400, request)) }
        var switchAccount = Array("/.sidegate/logout?return_to=".utf8)
        switchAccount.appendPercentEncoded(ReturnTarget.form.bytes)
        var response = responses.formPage(
            200,
            .confirmForm(
                form, account: consent.owner.account, current: identity.fields.account,
                switchAccount: String(decoding: switchAccount, as: UTF8.self)), request)
        response.outcome = .confirm
        response.user = identity.user
        response.detail = "another account's form"
        return .respond(response)
    }

    // MARK: /.sidegate/form

    /// By GET the page after the sign-in in another tab. By POST the answer to the question: the browser sends the form once
    /// more, to where it was going.
    func reserved(_ request: borrowing AccessRequest) -> Step {
        let verdict = sessions.session(of: request)
        if case .storeUnavailable = verdict { return .respond(responses.sessionUnknown(request)) }
        switch request.head.method {
        case .get, .head: return .respond(signedIn(verdict, request))
        case .post: return agreed(verdict, request)
        case .put, .delete, .connect, .options, .trace, .patch, .other:
            return .respond(responses.methodNotAllowed(request, allow: "GET, HEAD, POST"))
        }
    }

    private func signedIn(_ verdict: SessionVerdict, _ request: borrowing AccessRequest) -> LocalResponse {
        var account: String?
        if case .valid(let identity) = verdict { account = identity.fields.account }
        var response = responses.page(
            200, .signedInForForm(account: account, signIn: LoginAddress.path(.form)), for: request)
        response.outcome = .answer
        return response
    }

    private func agreed(_ verdict: SessionVerdict, _ request: borrowing AccessRequest) -> Step {
        guard NavigationTest.isFormSubmission(request.head), SiteCheck.isSameOrigin(request),
            let consent = FormConsent(request, seal)
        else { return .respond(responses.error(400, request, outcome: .badRequest)) }
        guard case .valid(let identity) = verdict else {
            var reason: Reason?
            if case .refused(let code) = verdict { reason = code }
            return step(request, to: consent.target, reason, at: nil)
        }
        // Read to its end, whatever follows, so that the connection can go on.
        guard let collected = request.collectedForm else {
            return .ask(.collectForm(limit: limit + Self.slack))
        }
        let user = FormMarker.owner(identity.fields, of: identity.provider)
        guard user == consent.user || user == consent.owner.owner else {
            // Yet another account.
            guard let encoding = FormEncoding(request.head), let content = try? content(collected, encoding) else {
                return .respond(responses.error(400, request, outcome: .badRequest))
            }
            return ask(
                FormConsent(target: consent.target, owner: consent.owner, user: user), content, encoding, identity,
                request)
        }
        // The same method and content (RFC 9110 §15.4.8).
        var response = responses.redirect(307, to: consent.target.bytes)
        let marker = FormMarker(
            digest: consent.digest, keptAt: request.context.now, owner: user, account: identity.fields.account)
        for cookie in markers.setCookies(for: marker, at: consent.target, request) {
            response.add("Set-Cookie", cookie)
        }
        response.outcome = .answer
        response.user = identity.user
        return .respond(response)
    }

    // MARK: The form

    /// Where the form is going; nil: nothing leads back there.
    private func target(of request: borrowing AccessRequest) -> ReturnTarget? {
        guard let origin = request.requestOrigin ?? request.publicOrigin else { return nil }
        let target = ReturnTarget(of: request, prefix: [], origin: origin)
        // The root stands for what cannot be kept.
        guard !target.isShortened, target != .root || request.path.place.count == 1 && request.head.query == nil else {
            return nil
        }
        return target
    }

    /// The content, where it was read for another reason.
    private func read(_ request: borrowing AccessRequest) -> CollectedForm? {
        request.form.map { $0.count <= limit ? .whole($0) : .tooLarge }
    }

    /// What the head says.
    private func encoding(of request: borrowing AccessRequest) throws(FormLoss) -> FormEncoding {
        guard limit > 0 else { throw .off }
        guard SiteCheck.isSameOrigin(request) else { throw .otherSite }
        guard let encoding = FormEncoding(request.head) else { throw .contentType }
        guard !isLonger(request.head, than: limit) else { throw .tooLarge }
        return encoding
    }

    private func content(_ collected: CollectedForm, _ encoding: FormEncoding) throws(FormLoss) -> FormContent {
        switch collected {
        case .whole(let bytes): return try FormContent(bytes, encoding)
        case .tooLarge: throw .tooLarge
        case .noRoom: throw .noRoom
        }
    }

    private func form(
        _ content: FormContent, _ encoding: FormEncoding, to action: String
    ) throws(FormLoss) -> KeptForm {
        guard let form = KeptForm(action: action, isMultipart: encoding.isMultipart, fields: content.fields) else {
            throw .address
        }
        return form
    }

    private func isLonger(_ head: RequestHead, than limit: Int) -> Bool {
        guard case .length(let length) = head.framing else { return false }
        return length > UInt64(max(0, limit))
    }

    /// A browser may write the same form a little longer: its delimiters of parts differ in length.
    private static let slack = 64 << 10
}
