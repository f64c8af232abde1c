// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// What `access.rules` require of a request.
enum Ruling {
    /// No rule matches: `access.default` holds.
    case unruled
    /// Anyone may pass; the app learns the user when there is one.
    case open
    /// Signed-in users may pass who meet this rule, and the others that apply.
    case needs(Int, others: [Int])
    case denied
    /// It cannot be said which path is meant.
    case unreadable
}

extension AccessRules {
    /// Which rules decide about a request.
    @inline(__always)
    func judgement(of request: borrowing AccessRequest) -> Judgement {
        let bytes = request.head.bytes.span
        guard request.head.targetForm != .asterisk, request.head.methodName.upperBound <= bytes.count else {
            return .rule(nil)
        }
        let method = bytes.extracting(request.head.methodName.range)
        let groups = isSelective ? groups(of: request) : RuleSelection.Groups()
        return switch request.path.form {
        case .odd(let path): judge(path, method: method, groups)
        case .unreadable: .unreadable
        case .none, .outside, .plain, .unread:
            judge(bytes.extracting(request.path.place.range), method: method, delivery: request.path.delivery, groups)
        }
    }

    /// By the host that the browser sees, and the client where it is known.
    private func groups(of request: borrowing AccessRequest) -> RuleSelection.Groups {
        let bytes = request.head.bytes.span
        let host = request.origin.host
        return groups(
            host: bytes.extracting(host.upperBound <= bytes.count ? host.range : 0..<0),
            client: distinguishesNetworks ? request.knownClient : nil)
    }

    func ruling(on request: borrowing AccessRequest) -> Ruling { ruling(by: judgement(of: request)) }

    /// - Parameters:
    ///   - path: as a request would send it, without query.
    ///   - request: one by the same client to the same host.
    func ruling(of path: Span<UInt8>, method: Span<UInt8>, as request: borrowing AccessRequest) -> Ruling {
        ruling(
            by: judge(
                path, method: method, delivery: .canonical,
                isSelective ? groups(of: request) : RuleSelection.Groups()))
    }

    @inline(__always)
    private func ruling(by judgement: Judgement) -> Ruling {
        switch judgement {
        case .unreadable: return .unreadable
        case .rule(nil): return .unruled
        case .rule(let index?):
            switch rules[index].effect {
            case .anyone: return .open
            case .signedIn: return .needs(index, others: [])
            case .deny: return .denied
            }
        case .rules(let deciding): return ruling(of: deciding)
        }
    }

    /// The strictest of them.
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

    var refusal: Reason { field == "groups" ? .groupMissing : .ruleDenied }
}

extension AccessRule {
    /// Nil when every requirement is met.
    func refusal(of fields: UserAttributes, of provider: String) -> Reason? {
        guard case .signedIn(let requirements) = effect else { return nil }
        guard providers.isEmpty || providers.contains(provider) else { return .providerNotAllowed }
        for requirement in requirements {
            let values = fields[requirement.field]
            if !requirement.isMet(by: values) { return requirement.refusal }
        }
        return nil
    }
}
