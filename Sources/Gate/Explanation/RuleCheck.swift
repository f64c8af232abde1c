// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// What `access.rules` make of one request, step by step, for `sidegate explain --request`: the same judgement as when it
/// comes.
package struct RuleCheck {
    /// A way to read the path, and the rule that it leads to first; nil: no rule.
    package struct Reading: Sendable, Equatable {
        package let path: String
        package let rule: Int?
    }

    package enum Verdict: Sendable, Equatable {
        /// The path is Sidegate's own, and no app gets it.
        case reservedPath
        /// 400: the path has no safe reading.
        case unreadable
        /// No sign-in is needed.
        case open
        case letIn
        /// A session is needed, and there is none; what is then answered, where the rule says it.
        case signInNeeded(AccessRule.Unauthenticated?)
        case refused(Reason)
    }

    /// What the app gets; nil when it has none.
    package private(set) var normalPath: String?
    /// Why readers differ about the path; nil where it is readable.
    package private(set) var problem: String?
    /// The first is the one of the canonical form; others only where another rule has a say.
    package private(set) var readings: [Reading] = []
    package private(set) var verdict: Verdict
    /// The rule that the verdict is by; nil: `access.default`.
    package private(set) var rule: Int?
    /// What that rule requires and the user does not have.
    package private(set) var unmet: AccessRule.Requirement?
    /// Which app it is for: 0 is `upstream`, the others those of `upstreams`, from 1.
    package private(set) var app = 0

    /// - Parameters:
    ///   - path: as sent, without query.
    ///   - host: without port; empty: unknown.
    ///   - client: nil: not known.
    ///   - hasNativeLogin: native login is configured, which is decided by the path too.
    ///   - fields: those of the signed-in user; nil: no user.
    package init(
        _ access: AccessConfiguration, apps: [AppRoute], hasNativeLogin: Bool, returnPaths: [String], method: String,
        path: String, host: String, client: IPAddress?, fields: [(field: String, values: [String])]?
    ) {
        verdict = .letIn
        let bytes = Array(path.utf8)
        let text = bytes.span
        switch ReservedPath.of(text, ReturnPaths(returnPaths)) {
        case nil: break
        case .unreadable:
            verdict = .unreadable
            return
        case .login, .arrival, .callback, .confirm, .logout, .signedOut, .session, .backchannelLogout, .auth, .keys,
            .form, .nothing:
            verdict = .reservedPath
            return
        }
        let rules = AccessRules(access.rules)
        let name = Array(method.utf8)
        let requestPath: RequestPath
        do throws(PathProblem) {
            requestPath = try RequestPath(text, delivery: .canonical)
            try AppRoutes(apps).checkStripped(requestPath.canonical)
        } catch {
            problem = String(describing: error.detail)
            if hasNativeLogin || !rules.isEmpty || apps.contains(where: \.isChosenByPath) {
                verdict = .unreadable
            } else {
                normalPath = path
                judge([nil], rules, access, fields)
            }
            return
        }
        let groups = rules.groups(host: Array(host.utf8).span, client: client)
        let found = rules.readings(requestPath, method: name.span, groups)
        let normal = requestPath.canonical
        normalPath = String(decoding: normal, as: UTF8.self)
        readings = found.map { Reading(path: String(decoding: $0.path, as: UTF8.self), rule: $0.rule) }
        app = AppRoutes(apps).index(path: normal.span, host: Array(host.utf8.map(lowercased)))
        judge(found.map(\.rule), rules, access, fields)
    }

    /// The user decides, and the lists are asked as well.
    package var needsUser: Bool {
        switch verdict {
        case .letIn: true
        case .refused: unmet != nil
        case .reservedPath, .unreadable, .open, .signInNeeded: false
        }
    }

    private mutating func judge(
        _ deciding: [Int?], _ rules: AccessRules, _ access: AccessConfiguration,
        _ fields: [(field: String, values: [String])]?
    ) {
        var user = UserAttributes()
        for field in fields ?? [] { user.set(field.field, field.values, isList: field.values.count > 1) }
        switch rules.ruling(of: deciding) {
        case .unreadable: verdict = .unreadable
        case .open:
            rule = deciding.first ?? nil
            verdict = .open
        case .denied:
            rule = deciding.compactMap { $0 }.first { rules.rules[$0].effect == .deny }
            verdict = .refused(.ruleDenied)
        case .unruled:
            if fields == nil { verdict = access.default == .guest ? .open : .signInNeeded(nil) }
        case .needs(let first, let others):
            rule = first
            guard fields != nil else {
                verdict = .signInNeeded(rules.rules[first].unauthenticated)
                return
            }
            let provider = user[UserAttributes.providerField].first ?? ""
            for index in [first] + others {
                let allowed = rules.rules[index].providers
                guard allowed.isEmpty || allowed.contains(provider) else {
                    rule = index
                    verdict = .refused(.providerNotAllowed)
                    return
                }
                guard case .signedIn(let requirements) = rules.rules[index].effect,
                    let missing = requirements.first(where: { !$0.isMet(by: user[$0.field]) })
                else { continue }
                rule = index
                unmet = missing
                verdict = .refused(missing.refusal)
                return
            }
        }
    }
}
