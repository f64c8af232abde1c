// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT
import Pages

/// What `access.rules` ask of a request.
enum Ruling {
    /// No rule speaks of it: `access.default` holds.
    case unruled
    /// Anyone may; the app learns who it is when that is known.
    case open
    /// Whoever signed in may who meets this rule, and the others that have a say.
    case needs(Int, others: [Int])
    case denied
    /// Nobody can say which path is meant.
    case unreadable
}

extension Gate {
    func ruling(on request: borrowing AccessRequest) -> Ruling {
        let bytes = request.head.bytes.span
        guard request.head.targetForm != .asterisk, request.head.methodName.upperBound <= bytes.count else {
            return .unruled
        }
        let method = bytes.extracting(request.head.methodName.range)
        let judgement: AccessRules.Judgement =
            switch request.path.form {
            case .odd(let path): rules.judge(path, method: method)
            case .unreadable: .unreadable
            case .none, .outside, .plain, .unread:
                rules.judge(
                    bytes.extracting(request.path.place.range), method: method, delivery: request.path.delivery)
            }
        switch judgement {
        case .unreadable: return .unreadable
        case .rule(nil): return .unruled
        case .rule(let index?):
            switch rules.rules[index].effect {
            case .anyone: return .open
            case .signedIn: return .needs(index, others: [])
            case .deny: return .denied
            }
        case .rules(let deciding): return rules.ruling(of: deciding)
        }
    }

    /// Who it is, where nobody needs to be anyone.
    func openDecision(_ request: borrowing AccessRequest) -> Decision {
        switch session(of: request) {
        case .valid(let identity) where authorization(of: identity) == .allowed:
            return .forward(identity, renewal: renewal(of: identity, request))
        case .needsLookup(let session): return .fetchSession(session)
        case .valid, .refused, .storeUnavailable, .none, .unchecked: break
        }
        guard configuration.bearer else { return .forward(nil, renewal: nil) }
        switch bearer(of: request) {
        case .valid(let identity) where authorization(of: identity) == .allowed:
            return .forward(identity, renewal: nil)
        case .unchecked(let question): return .checkToken(question)
        // A token of ours that proves nothing any more does not go to the app either.
        case .refused(.replayed), .refused(.replayStoreUnavailable):
            return .forward(Self.anonymousBearer, renewal: nil)
        case .valid, .refused, .needsLookup, .storeUnavailable, .none: return .forward(nil, renewal: nil)
        }
    }

    /// Why this user may not; nil when every rule that has a say is met.
    func refusal(of identity: Identity, by ruling: Ruling) -> ReasonCode? {
        guard case .needs(let first, let others) = ruling else { return nil }
        if let reason = rules.rules[first].refusal(of: identity.fields) { return reason }
        for index in others {
            if let reason = rules.rules[index].refusal(of: identity.fields) { return reason }
        }
        return nil
    }

    /// 403, whoever asks.
    func denied(_ request: borrowing AccessRequest)
        -> Decision
    {
        if case .needsLookup(let session) = session(of: request) { return .fetchSession(session) }
        if configuration.bearer, case .unchecked(let question) = bearer(of: request) {
            return .checkToken(question)
        }
        if let identity = knownIdentity(request) {
            return forbidden(.ruleDenied, identity, request)
        }
        return .respond(deniedStranger(request))
    }

    private func deniedStranger(_ request: borrowing AccessRequest) -> LocalResponse {
        let reason = ReasonCode.ruleDenied
        guard !isGRPC(request) else { return grpcDenied(reason, nil) }
        let isNavigation = NavigationTest.isNavigation(request.head)
        let asJSON = isNavigation ? NavigationTest.prefersJSON(request.head) : !NavigationTest.namesPage(request.head)
        guard asJSON else { return signInRefused(reason, request, tryAgain: nil) }
        var members: [(String, JSONValue)] = [
            ("error", "forbidden"), ("reason", .string(reason.rawValue)),
            ("message", .string(Reason.of(reason.rawValue).happened)),
        ]
        if !request.id.isEmpty { members.append(("request_id", .string(request.idText))) }
        var response = json(403, members)
        response.decision = "refused"
        response.reason = reason.rawValue
        return response
    }

    /// Who sent the request, by a session or a bearer token that is good in itself, whatever that user may.
    func knownIdentity(_ request: borrowing AccessRequest) -> Identity? {
        if case .valid(let identity) = session(of: request) { return identity }
        guard configuration.bearer, case .valid(let identity) = bearer(of: request) else { return nil }
        return identity
    }

    /// 400: nobody can say which path the app would take it for.
    func unreadable(_ request: borrowing AccessRequest) -> LocalResponse {
        let reason = ReasonCode.pathUnreadable
        var response: LocalResponse
        if isGRPC(request) {
            response = error(400, request)
        } else if NavigationTest.isNavigation(request.head), !NavigationTest.prefersJSON(request.head) {
            response = signInRefused(reason, status: 400, request, tryAgain: nil)
        } else {
            response = json(
                400,
                [
                    ("error", .string("bad_request")), ("reason", .string(reason.rawValue)),
                    ("message", .string(Reason.of(reason.rawValue).happened)),
                    ("request_id", .string(request.idText)),
                ])
        }
        response.decision = "bad-request"
        response.reason = reason.rawValue
        return response
    }

    /// What comes through although `decision` would not let it (`access.mode: observe`).
    func observed(
        _ decision: Decision, _ request: borrowing AccessRequest
    ) -> Decision {
        guard case .respond(let response) = decision else { return decision }
        let act: Observation.Act =
            switch response.decision.description {
            case "redirect": .redirect
            case "unauthenticated": .unauthenticated
            default: .denied
            }
        let identity = knownIdentity(request)
        return .observed(
            identity, renewal: identity.flatMap { renewal(of: $0, request) },
            Observation(act: act, reason: response.reason))
    }

    /// How a request without a session is answered.
    func unauthenticated(by ruling: Ruling) -> AccessRule.Unauthenticated? {
        guard case .needs(let first, _) = ruling else { return nil }
        return rules.rules[first].unauthenticated
    }
}

extension AccessRules {
    /// The strictest that any of them says.
    func ruling(of deciding: [Int?]) -> Ruling {
        var needed: [Int] = []
        var isUnruled = false
        for index in deciding {
            guard let index else {
                isUnruled = true
                continue
            }
            switch rules[index].effect {
            case .anyone: break
            case .signedIn: needed.append(index)
            case .deny: return .denied
            }
        }
        if let first = needed.first { return .needs(first, others: Array(needed.dropFirst())) }
        return isUnruled ? .unruled : .open
    }
}

extension AccessRule.Requirement {
    /// One of the values suffices, byte for byte.
    func isMet(by values: [String]) -> Bool {
        self.values.contains { wanted in values.contains { $0.utf8.elementsEqual(wanted.utf8) } }
    }

    var refusal: ReasonCode { field == "groups" ? .groupMissing : .ruleDenied }
}

extension AccessRule {
    /// Nil when all that it requires holds.
    func refusal(of fields: UserAttributes) -> ReasonCode? {
        guard case .signedIn(let requirements) = effect else { return nil }
        for requirement in requirements {
            let values = fields[requirement.field]
            if !requirement.isMet(by: values) { return requirement.refusal }
        }
        return nil
    }
}
