// SPDX-License-Identifier: Apache-2.0

import Configuration
import Decisions
import Gate
import HTTP
import JWT
import YAML

/// The report of `explain --request`: which rule decides about a request, and why.
struct RequestExplanation {
    let isLetIn: Bool
    let text: String

    /// - Parameters:
    ///   - client: nil: not known.
    ///   - fields: of the signed-in user; nil: there is no session.
    init(
        of request: ExplainedRequest, from client: IPAddress?, as fields: [(field: String, values: [String])]?,
        _ settings: Settings
    ) {
        let assembly = GateAssembly(settings, fallbackSecret: [])
        let access = assembly.access()
        let check = RuleCheck(
            access, apps: assembly.apps(), hasNativeLogin: settings.nativeLogin != nil,
            returnPaths: settings.providers.map(\.identityProvider.returnPath), method: request.method,
            path: request.path,
            host: request.host, client: client, fields: fields)
        var lines = ["  request  \(request.method) \(PrintableText.escaped(request.path))"]
        lines += Self.origin(of: request, client, settings)
        if let path = check.normalPath {
            let isSame = path == request.path
            lines.append(
                "  path     \(PrintableText.escaped(path))" + (isSame ? "" : " (its canonical form: what the app gets)")
            )
        }
        for reading in check.readings.dropFirst() {
            if client == nil, let rule = reading.rule, rule < access.rules.count, !access.rules[rule].from.isEmpty {
                lines.append("  doubt    the client is not known: \(Self.name(rule, access))")
                continue
            }
            let other =
                reading.path == request.path
                ? "some apps compare it without regard to case"
                : "some apps take it for \(PrintableText.escaped(reading.path))"
            lines.append("  reading  \(other): \(Self.name(reading.rule, access))")
        }
        if check.normalPath != nil {
            if let rule = check.rule, rule < access.rules.count {
                let place =
                    rule < settings.access.ruleOrigins.count ? " (\(settings.access.ruleOrigins[rule].label))" : ""
                lines.append("  rule     access.rules[\(rule)]\(place): \(Self.words(access.rules[rule]))")
            } else {
                lines.append("  rule     none matches; access.default is \(access.default.rawValue)")
            }
            let app =
                check.app > 0 && check.app <= settings.apps.count
                ? settings.apps[check.app - 1].upstream : settings.upstream
            let name = check.app == 0 ? "upstream" : "upstreams[\(check.app - 1)]"
            lines.append("  app      \(name): \(app.address)")
        }
        lines.append("  as       " + (fields.map(Self.words) ?? "no session (--as user=ada,groups=admins for one)"))

        var refusal = Self.refusal(check)
        if let fields, check.needsUser {
            let provider = settings.provider(of: fields)
            let (verdict, findings) = AccessCheck(
                access, provider: provider?.name ?? "", users: provider?.users.registered ?? RegisteredUsers()
            ).examine(fields)
            // The lists are judged before the rules; those they do not name are guests, whom rules may still refuse.
            let reason: Reason? =
                switch verdict {
                case .allowed: nil
                case .refused(let reason): reason
                case .visitor(let reason): refusal == nil && check.rule != nil ? reason : nil
                }
            if let reason {
                refusal = reason.rawValue
                for finding in findings where finding.passed == false {
                    lines.append(
                        "  FAIL     access: \(finding.name): \(PrintableText.escaped(finding.expected)); got: \(PrintableText.escaped(finding.actual))"
                    )
                }
            }
        }
        if let unmet = check.unmet {
            let actual = fields?.first { $0.field == unmet.field }?.values.joined(separator: ", ")
            lines.append(
                "  FAIL     require \(unmet.field): one of \(unmet.values.map { PrintableText.escaped($0) }.joined(separator: ", "));"
                    + " got: \(actual.map { PrintableText.escaped($0) } ?? "nothing")")
        }
        if check.verdict == .refused(.providerNotAllowed), let rule = check.rule, rule < access.rules.count {
            lines.append(
                "  FAIL     providers: one of \(access.rules[rule].providers.joined(separator: ", ")); got: "
                    + (settings.provider(of: fields ?? []).map(\.name) ?? "none (--as …,provider=NAME)"))
        }
        if case .signInNeeded(let answer) = check.verdict { lines.append("  answer   " + Self.words(answer)) }
        if check.verdict == .unreadable {
            lines.append(
                "  answer   400: apps differ in how they read this path" + (check.problem.map { ": " + $0 } ?? ""))
        }
        if check.verdict == .reservedPath {
            lines.append("  note     the path is Sidegate's own; it reaches no app, and no rule applies")
        }
        if access.mode == .observe, refusal != nil {
            lines.append("  note     access.mode is observe: the request is let through, and the log reports it")
        }
        lines.append(
            refusal.map { "refused: \($0)" } ?? (check.verdict == .reservedPath ? "answered by Sidegate" : "let in"))
        isLetIn = refusal == nil
        text = lines.map { $0 + "\n" }.joined()
    }

    private static func refusal(_ check: RuleCheck) -> String? {
        switch check.verdict {
        case .letIn, .open, .reservedPath: nil
        case .signInNeeded: Outcome.Denial.unauthenticated.rawValue
        case .unreadable: Reason.pathUnreadable.rawValue
        case .refused(let reason): reason.rawValue
        }
    }

    private static func name(_ rule: Int?, _ access: AccessConfiguration) -> String {
        guard let rule, rule < access.rules.count else { return "no rule" }
        return "access.rules[\(rule)] applies too: \(words(access.rules[rule]))"
    }

    private static func words(_ rule: AccessRule) -> String {
        let methods = rule.methods.isEmpty ? "" : rule.methods.joined(separator: ", ") + " on "
        let effect =
            switch rule.effect {
            case .anyone: "anyone"
            case .deny: "deny"
            case .signedIn(let requirements):
                requirements.isEmpty
                    ? rule.providers.isEmpty
                        ? "sign-in is needed" : "sign-in is needed, at \(rule.providers.joined(separator: " or "))"
                    : "require "
                        + requirements.map { "\($0.field): \($0.values.joined(separator: " or "))" }.joined(
                            separator: "; ")
            }
        let hosts = rule.hosts.isEmpty ? "" : " at " + rule.hosts.joined(separator: ", ")
        let networks = rule.from.isEmpty ? "" : " from " + rule.from.map(\.description).joined(separator: ", ")
        return PrintableText.escaped(
            "\(methods)\(rule.paths.map(\.description).joined(separator: ", "))\(hosts)\(networks): \(effect)")
    }

    /// The host and the client, with the networks of rules that the client is in.
    private static func origin(of request: ExplainedRequest, _ client: IPAddress?, _ settings: Settings) -> [String] {
        let rules = settings.access.rules
        var lines: [String] = []
        if !request.host.isEmpty {
            lines.append("  host     \(PrintableText.escaped(request.host))")
        } else if rules.contains(where: { !$0.hosts.isEmpty }) || settings.apps.contains(where: { !$0.hosts.isEmpty }) {
            lines.append(
                "  host     not named; no rule or app for certain hosts applies ('GET https://HOST/PATH' names one)")
        }
        let isSelective = rules.contains { !$0.from.isEmpty }
        guard let client else {
            if isSelective {
                lines.append(
                    "  client   not known: no rule with `from` opens anything, and each that closes applies (--client ADDRESS"
                        + " names one)")
            }
            return lines
        }
        lines.append("  client   \(client)")
        guard isSelective else { return lines }
        let networks = rules.enumerated().flatMap { index, rule in
            rule.from.filter { $0.contains(client) }.map { "\($0) of access.rules[\(index)]" }
        }
        let more = networks.count > maximumNetworks ? " and \(networks.count - maximumNetworks) more" : ""
        lines.append(
            "  network  "
                + (networks.isEmpty
                    ? "none of access.rules[].from" : networks.prefix(maximumNetworks).joined(separator: ", ") + more))
        return lines
    }

    private static let maximumNetworks = 8

    private static func words(_ fields: [(field: String, values: [String])]) -> String {
        PrintableText.escaped(
            fields.map { "\($0.field) = \($0.values.joined(separator: ", "))" }.joined(separator: "; "))
    }

    private static func words(_ answer: AccessRule.Unauthenticated?) -> String {
        switch answer {
        case nil: "a browser is sent to sign in (302); all else gets 401"
        case .unauthorized: "401"
        case .redirect: "GET and HEAD are sent to sign in (302); all else gets 401"
        }
    }
}

extension Settings {
    /// The provider that the field `provider` names; nil: the only one, or an unknown one.
    fileprivate func provider(of fields: [(field: String, values: [String])]) -> ProviderSettings? {
        let name = fields.first { $0.field == ProviderSettings.nameField }?.values.first
        return providers.first { !$0.name.isEmpty && $0.name == name }
    }
}

/// `GET /admin/x`, `GET https://app.example.com/admin/x`, or the path alone.
struct ExplainedRequest {
    let method: String
    /// Without the query, which no rule looks at.
    let path: String
    /// Without port; empty: not said.
    let host: String

    /// Nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        guard let last = parts.last else { return nil }
        method = parts.count == 2 ? String(parts[0]) : "GET"
        var target = last[...]
        var authority = ""
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            target = target.dropFirst(scheme.count)
            authority = String(target.prefix { $0 != "/" && $0 != "?" })
            target = target.dropFirst(authority.count)
            if target.isEmpty { target = "/" }
        }
        guard target.hasPrefix("/"), !target.contains("#"), !target.contains(" ") else { return nil }
        path = String(target.prefix { $0 != "?" })
        host = authority.hasSuffix("]") ? authority : Self.withoutPort(authority)
    }
}

extension ExplainedRequest {
    /// `[::1]:8080` is `[::1]`.
    fileprivate static func withoutPort(_ authority: String) -> String {
        guard let colon = authority.lastIndex(of: ":") else { return authority }
        return String(authority[..<colon])
    }
}

/// `user=ada,groups=admins,staff`: what has no `=` is one more value of the field before it.
enum FieldsArgument {
    /// Nil when it does not begin with a field.
    static func parse(_ text: String) -> [(field: String, values: [String])]? {
        var fields: [(field: String, values: [String])] = []
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if pair.count == 2 {
                guard !pair[0].isEmpty else { return nil }
                if let index = fields.firstIndex(where: { $0.field == pair[0] }) {
                    fields[index].values.append(pair[1])
                } else {
                    fields.append((pair[0], [pair[1]]))
                }
            } else {
                guard !fields.isEmpty else { return nil }
                fields[fields.count - 1].values.append(pair[0])
            }
        }
        return fields
    }
}
