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
    func ruling(on request: RequestHead) -> Ruling {
        let bytes = request.bytes.span
        guard request.targetForm != .asterisk, request.methodName.upperBound <= bytes.count else { return .unruled }
        let judgement = rules.judge(
            bytes.extracting(request.path.range), method: bytes.extracting(request.methodName.range))
        switch judgement {
        case .unreadable: return .unreadable
        case .rule(nil): return .unruled
        case .rule(let index?):
            switch rules.rules[index].effect {
            case .anyone: return .open
            case .signedIn: return .needs(index, others: [])
            case .deny: return .denied
            }
        case .rules(let deciding): return ruling(of: deciding)
        }
    }

    /// The strictest that any of them says.
    private func ruling(of deciding: [Int?]) -> Ruling {
        var needed: [Int] = []
        var isUnruled = false
        for index in deciding {
            guard let index else {
                isUnruled = true
                continue
            }
            switch rules.rules[index].effect {
            case .anyone: break
            case .signedIn: needed.append(index)
            case .deny: return .denied
            }
        }
        if let first = needed.first { return .needs(first, others: Array(needed.dropFirst())) }
        return isUnruled ? .unruled : .open
    }

    /// Who it is, where nobody needs to be anyone.
    func openDecision(_ request: RequestHead, _ context: RequestContext, _ site: RequestSite) -> Decision {
        if case .valid(let identity) = session(of: request, site, now: context.now), standing(of: identity) == .allowed
        {
            return .forward(identity, renewal: renewal(of: identity, request, site, now: context.now))
        }
        if configuration.bearer, case .valid(let identity) = bearer(of: request, now: context.now),
            standing(of: identity) == .allowed
        {
            return .forward(identity, renewal: nil)
        }
        return .forward(nil, renewal: nil)
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
    func denied(_ request: RequestHead, _ context: RequestContext, _ site: RequestSite, _ requestID: [UInt8])
        -> Decision
    {
        if case .valid(let identity) = session(of: request, site, now: context.now) {
            return forbidden(.ruleDenied, identity, request, site, requestID)
        }
        return .respond(refused(.ruleDenied, request, requestID, tryAgain: nil))
    }

    /// How a request without a session is answered.
    func unauthenticated(by ruling: Ruling) -> AccessRule.Unauthenticated? {
        guard case .needs(let first, _) = ruling else { return nil }
        return rules.rules[first].unauthenticated
    }
}

extension AccessRule {
    /// Nil when all that it requires holds.
    func refusal(of fields: UserFields) -> ReasonCode? {
        guard case .signedIn(let requirements) = effect else { return nil }
        for requirement in requirements {
            let values = fields[requirement.field]
            let isMet = requirement.values.contains { wanted in
                values.contains { $0.utf8.elementsEqual(wanted.utf8) }
            }
            if !isMet { return requirement.field == "groups" ? .groupMissing : .ruleDenied }
        }
        return nil
    }
}
