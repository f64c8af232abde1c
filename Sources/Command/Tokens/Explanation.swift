// SPDX-License-Identifier: Apache-2.0

import Configuration
import Decisions
import Gate
import JWT
import YAML

/// The report of `explain` about a token. Claims are shown, since the report is about them; signatures and keys are not.
struct Explanation {
    let isAccepted: Bool
    /// It is accepted, or it is no sign-in and the request is let in.
    let isLetIn: Bool
    let text: String

    /// About the first provider of `settings`.
    ///
    /// - Parameters:
    ///   - token: as it was pasted.
    ///   - fetched: the key sets of `jwksURL`, where they were fetched.
    init(of token: [UInt8], _ settings: Settings, fetched: [FetchedKeys] = [], at now: Double) {
        let policy = settings.token.policy
        let parameter = settings.identityProvider.tokenParameter
        let keys = fetched.compactMap(\.keys).reduce(settings.token.keys) { $0.merged(with: $1) }
        let bare = TokenDiagnosis.token(in: token.span, tokenParameter: parameter)
        let verifier = TokenVerifier(policy: policy, keys: keys)
        let address = TokenDiagnosis.address(in: token.span, tokenParameter: parameter)
        let returned = address.map {
            ReturnCheck($0, returnPath: settings.identityProvider.returnPath, tokenParameter: parameter)
        }
        let isBearer = address == nil && TokenDiagnosis.isBearer(token.span)
        let trial = GateTrial(settings, keys: keys, isBearer: isBearer)
        let verdict =
            if let address {
                trial?.address(address, at: now)
            } else {
                isBearer ? trial?.bearer(bare, at: now) : trial?.token(bare, at: now)
            }
        var notes: [TokenDiagnosis.Note] = []
        var checks: [TokenCheck] = []
        for finding in returned?.findings ?? [] {
            if let reason = finding.reason, let verdict, !verdict.isRefusal(reason) {
                // The gate does not come to this check, or to another result in all.
                notes.append(
                    .init(title: finding.name, detail: "\(finding.actual), not \(finding.expected)", fix: finding.fix))
            } else {
                checks.append(Self.check(finding))
            }
        }
        checks += verifier.examine(bare.span, now: now).map { Self.advised($0, settings) }
        let verified = try? verifier.verify(bare.span, now: now)
        var fields: [(field: String, values: [String])] = []
        if let verified {
            let claims = ClaimsCheck(
                claims: settings.token.claims, required: settings.token.required,
                acceptsUnverifiedEmail: settings.token.acceptsUnverifiedEmail)
            switch claims.examine(verified.claims) {
            case .success(let finding):
                let matched = finding.fields
                fields = matched + Self.provider(settings)
                notes += finding.omissions.map { .init(title: "a field that is not as it should be", detail: $0) }
                checks.append(
                    TokenCheck(
                        "fields", .passed, expected: Self.needed(settings),
                        actual: matched.map(\.field).joined(separator: ", ")))
                let access = GateAssembly(settings, fallbackSecret: []).access()
                let provider = settings.providers[0]
                let (verdict, findings) = AccessCheck(
                    access, provider: provider.name, users: provider.users.registered
                ).examine(matched)
                checks += findings.map { Self.check($0, verdict) }
                if case .visitor = verdict {
                    notes.append(
                        .init(
                            title: "a visitor",
                            detail: "let in as a guest where no rule needs a user: the app gets no identity"))
                }
            case .failure(let refusal):
                let isUnverified =
                    !settings.token.acceptsUnverifiedEmail && ClaimsCheck.hasUnverifiedEmail(verified.claims)
                checks.append(Self.check(refusal, settings, isUnverified: isUnverified))
                checks.append(TokenCheck("access", .skipped, actual: "not checked, since fields are missing"))
            }
        } else {
            for name in ["fields", "access"] {
                checks.append(TokenCheck(name, .skipped, actual: "not checked, since the token itself is refused"))
            }
        }

        if case .refused(let reason, let detail) = verdict, !checks.contains(where: { $0.verdict == .failed(reason) }) {
            checks.append(
                TokenCheck(
                    "gate", .failed(reason), expected: "a request that the gate accepts",
                    actual: detail.isEmpty ? "see the notes" : detail))
        }
        let failures = checks.compactMap { check -> String? in
            if case .failed(let reason) = check.verdict { reason.rawValue } else { nil }
        }
        let ending = Self.ending(verdict, isAccepted: verified != nil && failures.isEmpty, failures.first)
        isAccepted = ending == Self.accepted
        isLetIn = isAccepted || verdict == .letIn
        let secrets = settings.token.namedSecrets.map {
            TokenDiagnosis.NamedSecret(name: $0.name, text: $0.text.bytes, encoding: $0.encoding, keyID: $0.keyID)
        }
        notes += TokenDiagnosis.notes(
            token: token.span, policy: policy, keys: keys, secrets: secrets, tokenParameter: parameter,
            claimNames: settings.token.claims.flatMap { $0.claims + $0.paths.compactMap(\.first) }, now: now)
        notes += Self.notes(settings, fetched, isAccepted: isAccepted)
        if let note = Self.note(on: returned?.origin, settings) { notes.append(note) }

        var lines = checks.map(Self.line)
        for (field, values) in fields {
            lines.append(
                "  field  \(PrintableText.escaped(field)) = \(values.map { PrintableText.escaped($0) }.joined(separator: ", "))"
            )
        }
        if let note = verdict.flatMap({ Self.note(on: $0, isBearer: isBearer, settings) }) { notes.append(note) }
        lines += notes.map(Self.line)
        lines.append(ending)
        text = lines.map { $0 + "\n" }.joined()
    }

    /// The field that the gate adds, where providers have names.
    private static func provider(_ settings: Settings) -> [(field: String, values: [String])] {
        let name = settings.providers[0].name
        return name.isEmpty ? [] : [(ProviderSettings.nameField, [name])]
    }

    /// With the fix that fits OpenID Connect, where keys and issuer follow from the provider.
    private static func advised(_ check: TokenCheck, _ settings: Settings) -> TokenCheck {
        guard settings.identityProvider.openID != nil, case .failed(let reason) = check.verdict,
            let fix = OpenIDAdvice.fix(reason)
        else { return check }
        return TokenCheck(check.name, check.verdict, expected: check.expected, actual: check.actual, fix: fix)
    }

    private static let accepted = "accepted"

    /// The last line. Without the gate's verdict, since the configuration is incomplete, the checks decide.
    private static func ending(_ verdict: GateTrial.Verdict?, isAccepted: Bool, _ failure: String?) -> String {
        switch verdict {
        case .accepted: accepted
        case .refused(let reason, _): "refused: \(reason.rawValue)"
        case .signInNeeded: "refused: \(Outcome.Denial.unauthenticated.rawValue)"
        case .letIn: "let in"
        case .answered: "answered by Sidegate"
        case nil: isAccepted ? accepted : "refused: \(failure ?? Reason.tokenMalformed.rawValue)"
        }
    }

    /// What becomes of a request that is no return.
    private static func note(
        on verdict: GateTrial.Verdict, isBearer: Bool, _ settings: Settings
    ) -> TokenDiagnosis.Note? {
        let title = "the gate"
        switch verdict {
        case .accepted, .refused: return nil
        case .signInNeeded(let status):
            let fix = isBearer && !settings.token.bearer ? "token.bearer is off, so the field is not looked at" : ""
            let what = isBearer ? "no sign-in" : "not a return"
            return .init(
                title: title, detail: "for it this is \(what), and there is no session: the answer is \(status)",
                fix: fix)
        case .letIn:
            return .init(
                title: title,
                detail: isBearer
                    ? "no key in force has signed the token, so it is the app's: the request passes with it, as a guest's"
                    : "for it this is not a return: the request passes to the app, without a user")
        case .answered(let status):
            return .init(
                title: title, detail: "the path is Sidegate's own, for another purpose: the answer is \(status)")
        }
    }

    /// Notes about the configuration rather than about the token.
    private static func notes(
        _ settings: Settings, _ fetched: [FetchedKeys], isAccepted: Bool
    ) -> [TokenDiagnosis.Note] {
        var notes: [TokenDiagnosis.Note] = []
        let provider = settings.identityProvider.openID.map { [$0.issuer] } ?? []
        let sources = settings.token.remoteKeys.map(\.url) + provider
        if settings.token.keys.keys.isEmpty, sources.isEmpty {
            notes.append(
                .init(
                    title: "no key is configured", detail: "no signature can be verified",
                    fix: "name the configuration: --config FILE"))
        }
        for url in sources {
            guard let keys = fetched.first(where: { $0.url == url }) else {
                notes.append(
                    .init(
                        title: "keys not fetched",
                        detail: "explain made no connection; the keys of \(url) were not tried",
                        fix: isAccepted ? "" : "add --fetch to fetch them for this report"))
                continue
            }
            notes.append(.init(title: "keys of \(url)", detail: keys.summary))
        }
        if isAccepted, settings.token.singleUse {
            notes.append(
                .init(title: "single use", detail: "only the running gate knows whether the token was used before"))
        }
        return notes
    }

    /// The address is not the site's own, as far as that shows.
    static func note(on origin: PublicOrigin?, _ settings: Settings) -> TokenDiagnosis.Note? {
        guard let origin, let site = settings.publicURL, origin != site else { return nil }
        let (actual, expected) = (
            String(decoding: origin.text, as: UTF8.self), String(decoding: site.text, as: UTF8.self)
        )
        // Browsers send a cookie to all ports of its host (RFC 6265 §8.5).
        let isOtherPort = origin.host == site.host && origin.isSecure == site.isSecure
        return .init(
            title: "another address of the site", detail: "the return goes to \(actual); publicURL is \(expected)",
            fix: isOtherPort
                ? "correct one of the two, unless the site is at both ports"
                : "the cookie from the start of the sign-in exists at \(expected) only: correct one of the two")
    }

    static func check(_ finding: ReturnCheck.Finding) -> TokenCheck {
        TokenCheck(
            finding.name, finding.reason.map { TokenCheck.Verdict.failed($0) } ?? .passed, expected: finding.expected,
            actual: finding.actual, fix: finding.fix)
    }

    static func line(_ note: TokenDiagnosis.Note) -> String {
        let fix = note.fix.isEmpty ? "" : "\n           fix:     \(PrintableText.escaped(note.fix))"
        return "  note   \(PrintableText.escaped(note.title)): \(PrintableText.escaped(note.detail))" + fix
    }

    /// A step of the check of access; only the one that decided has failed.
    private static func check(_ finding: AccessCheck.Finding, _ verdict: AccessCheck.Verdict) -> TokenCheck {
        let name = "access: " + finding.name
        if finding.passed == true {
            return TokenCheck(name, .passed, expected: finding.expected, actual: finding.actual)
        }
        if finding.passed == false, case .refused(let reason) = verdict, finding.name.hasPrefix(Self.step(of: reason)) {
            return TokenCheck(
                name, .failed(reason), expected: finding.expected, actual: finding.actual, fix: finding.fix)
        }
        let words = finding.expected.isEmpty ? finding.actual : "\(finding.actual); registered are: \(finding.expected)"
        return TokenCheck(name, .skipped, actual: words)
    }

    private static func step(of reason: Reason) -> String {
        switch reason {
        case .siteNotGranted: "site"
        case .guestRefused: "guest"
        default: "registered"
        }
    }

    static func line(_ check: TokenCheck) -> String {
        var line: String
        switch check.verdict {
        case .passed: line = "  ok     \(check.name)"
        case .skipped: line = "  -      \(check.name)"
        case .failed(let reason): line = "  FAIL   \(check.name): \(reason.rawValue)"
        }
        if case .failed = check.verdict {
            line +=
                "\n           expected: \(PrintableText.escaped(check.expected))\n           got:      \(PrintableText.escaped(check.actual))"
            if !check.fix.isEmpty { line += "\n           fix:     \(PrintableText.escaped(check.fix))" }
        } else if !check.actual.isEmpty {
            line += " (\(PrintableText.escaped(check.actual)))"
        }
        return line
    }

    private static func needed(_ settings: Settings) -> String {
        (["user"] + settings.token.required.filter { $0 != "user" }).joined(separator: ", ")
    }

    /// - Parameter isUnverified: the claim `email` is there, and does not count.
    private static func check(
        _ refusal: ClaimsCheck.Refusal, _ settings: Settings, isUnverified: Bool
    ) -> TokenCheck {
        let claims = settings.token.claims.first { $0.field == refusal.field }?.sources ?? []
        let names = claims.joined(separator: ", ")
        if refusal.reason == .fieldMissing, isUnverified, claims.contains("email") {
            return TokenCheck(
                "fields", .failed(refusal.reason),
                expected: "the field \(refusal.field), from one of the claims \(names)",
                actual: "the claim email, which does not count, since email_verified is not true",
                fix:
                    "let the identity provider verify the address; where its administrators enter all addresses, set token.acceptUnverifiedEmail"
            )
        }
        if refusal.reason == .fieldMissing {
            return TokenCheck(
                "fields", .failed(refusal.reason),
                expected: "the field \(refusal.field), from one of the claims \(names)",
                actual: "none of them",
                fix:
                    "let the identity provider send one of them, or name the claim it sends in token.claims.\(refusal.field)"
                    + (refusal.field == "user" ? "" : ", or take \(refusal.field) out of token.required"))
        }
        return TokenCheck(
            "fields", .failed(refusal.reason), expected: "a valid value for the field \(refusal.field), from \(names)",
            actual: refusal.problem,
            fix: "correct what the identity provider sends for this user")
    }
}

/// The result of fetching one `jwksURL`, or the keys of an OpenID provider.
struct FetchedKeys {
    let url: String
    /// nil: it cannot be fetched.
    let keys: KeySet?
    /// The keys, or why there are none.
    let summary: String
}
