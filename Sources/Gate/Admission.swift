// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// What becomes of a request for an app once it is known which user sent it, or that nobody did.
final class Admission {
    private let sessions: Sessions
    private let sessionSeal: SessionSeal
    private let bearer: BearerTokens
    private let authorization: Authorizer
    private let appLogout: AppLogout?
    /// nil: browsers keep the session's cookie from other sites by themselves (`SameSite`), or that is not wanted.
    private let crossSite: CrossSiteCheck?
    private let strayReturns: StrayReturns
    private let keptForms: KeptForms
    private let responses: Responses

    init(_ parts: GateParts, _ appLogout: AppLogout?) {
        sessions = parts.sessions
        sessionSeal = parts.sessionSeal
        bearer = parts.bearer
        authorization = parts.authorization
        strayReturns = parts.strayReturns
        keptForms = parts.keptForms
        responses = parts.responses
        self.appLogout = appLogout
        crossSite = parts.cookies.isPartitioned ? CrossSiteCheck() : nil
    }

    /// A known user, whom lists and rules may still refuse.
    func admit(_ identity: Identity, _ ruling: Ruling, _ request: borrowing AccessRequest) -> Step {
        if !authorization.isCurrent(identity) {
            switch authorization.verdict(on: identity) {
            case .allowed: break
            case .visitor:
                if let reason = authorization.refusal(ofVisitor: identity, by: ruling) {
                    return .respond(responses.forbidden(reason, identity, request))
                }
                // The app never receives a token, not even that of a guest.
                return .done(.forward(identity.isBearer ? .anonymousBearer : nil, renewal: nil))
            case .refused(let reason): return .respond(responses.forbidden(reason, identity, request))
            }
        }
        if let reason = authorization.refusal(of: identity, by: ruling) {
            let allowed = reason == .providerNotAllowed ? authorization.providers(by: ruling) : nil
            return .respond(responses.forbidden(reason, identity, request, at: allowed))
        }
        return forward(identity, request)
    }

    private func forward(_ identity: Identity, _ request: borrowing AccessRequest) -> Step {
        if let crossSite, crossSite.mayBeForged(request, identity) {
            return .respond(responses.crossSite(identity, request))
        }
        if request.head.method == .post, authorization.isEnforced, let step = keptForms.question(identity, request) {
            return step
        }
        let renewal = sessionSeal.renewal(of: identity, request)
        if let signOut = appLogout?.signOut(identity, request) { return .done(.forwardLogout(identity, signOut)) }
        return .done(.forward(identity, renewal: renewal))
    }

    /// A request that anyone may make: the app learns the user when there is one.
    func open(_ request: borrowing AccessRequest) -> Step {
        var hasSession = false
        switch sessions.session(of: request) {
        case .valid(let identity) where authorization.verdict(on: identity) == .allowed:
            // Without the user it is what anyone may send.
            if let crossSite, crossSite.mayBeForged(request, identity) {
                return .done(.forward(nobody(request), renewal: nil))
            }
            return forward(identity, request)
        case .needsLookup(let session): return .ask(.fetchSession(session))
        case .valid, .storeUnavailable: hasSession = true
        case .refused, .none: break
        }
        switch bearer.verdict(on: request) {
        case .valid(let identity) where authorization.verdict(on: identity) == .allowed:
            return .done(.forward(identity, renewal: nil))
        case .unchecked(let question): return .ask(.checkToken(question))
        case .valid, .refused, .none: break
        }
        if !hasSession, let refusal = strayReturns.refusal(of: request) { return .respond(refusal) }
        return .done(.forward(nobody(request), renewal: nil))
    }

    /// Without a user: a bearer token that none of the keys has signed is the app's. The provider's does not go to the app,
    /// even if it proves nothing any more.
    private func nobody(_ request: borrowing AccessRequest) -> Identity? {
        bearer.carriesSignedToken(request) ? .anonymousBearer : nil
    }

    /// A guest, who may come with a bearer token of the app's own; nil: the token is one of the provider's, and is refused.
    func guest(_ request: borrowing AccessRequest) -> Step? {
        bearer.carriesSignedToken(request) ? nil : .done(.forward(nil, renewal: nil))
    }

    /// 403, for every client.
    func denied(_ request: borrowing AccessRequest) -> Step {
        if case .needsLookup(let session) = sessions.session(of: request) { return .ask(.fetchSession(session)) }
        if case .unchecked(let question) = bearer.verdict(on: request) { return .ask(.checkToken(question)) }
        guard let identity = knownIdentity(request) else {
            return .respond(strayReturns.refusal(of: request) ?? responses.denied(request))
        }
        return .respond(responses.forbidden(.ruleDenied, identity, request))
    }

    /// The user of a session or bearer token that is valid in itself, whatever that user may do.
    private func knownIdentity(_ request: borrowing AccessRequest) -> Identity? {
        if case .valid(let identity) = sessions.session(of: request) { return identity }
        guard case .valid(let identity) = bearer.verdict(on: request) else { return nil }
        return identity
    }

    /// A refusal that is not enforced (`access.mode: observe`) lets the request pass.
    func observed(_ step: Step, _ request: borrowing AccessRequest) -> Step {
        guard case .done(.respond(let response)) = step else { return step }
        let identity = knownIdentity(request) ?? nobody(request)
        let renewal = identity.flatMap { sessionSeal.renewal(of: $0, request) }
        return .done(.observed(identity, renewal: renewal, Observation(insteadOf: response)))
    }
}
