// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT

/// What `explain` says of a token. Claims are shown, since they are what it is about; signatures and keys are not.
struct Explanation {
    let isAccepted: Bool
    let text: String

    init(of token: String, _ settings: Settings, at now: Double) {
        let bytes = Array(token.utf8)
        let verifier = TokenVerifier(policy: settings.token.policy, keys: settings.token.keys)
        var checks = verifier.examine(bytes.span, now: now)
        let verified = try? verifier.verify(bytes.span, now: now)
        var fields: [(field: String, values: [String])] = []
        if let verified {
            let claims = ClaimsCheck(
                claims: settings.token.claims.map { FieldMatch($0.field, $0.claims) }, required: settings.token.required
            )
            switch claims.examine(verified.claims) {
            case .success(let matched):
                fields = matched
                checks.append(
                    TokenCheck(
                        "fields", .passed, expected: Self.needed(settings),
                        actual: matched.map(\.field).joined(separator: ", ")))
            case .failure(let refusal):
                checks.append(Self.check(refusal, settings))
            }
        } else {
            checks.append(TokenCheck("fields", .skipped, actual: "not looked at until the token itself is good"))
        }

        let failures = checks.compactMap { check -> String? in
            if case .failed(let reason) = check.verdict { reason.rawValue } else { nil }
        }
        isAccepted = verified != nil && failures.isEmpty
        var lines = checks.map(Self.line)
        for (field, values) in fields {
            lines.append("  field  \(Self.shown(field)) = \(values.map(Self.shown).joined(separator: ", "))")
        }
        if settings.token.keys.keys.isEmpty {
            lines.append("  note   no key is configured, so no signature can be good: use --config FILE")
        }
        if isAccepted, settings.token.singleUse {
            lines.append("  note   whether it was used before is known to the running gate alone")
        }
        lines.append(isAccepted ? "accepted" : "refused: " + (failures.first ?? "token_malformed"))
        text = lines.map { $0 + "\n" }.joined()
    }

    private static func line(_ check: TokenCheck) -> String {
        var line: String
        switch check.verdict {
        case .passed: line = "  ok     \(check.name)"
        case .skipped: line = "  -      \(check.name)"
        case .failed(let reason): line = "  FAILED \(check.name): \(reason.rawValue)"
        }
        if case .failed = check.verdict {
            line += "\n           expected: \(shown(check.expected))\n           came:     \(shown(check.actual))"
            if !check.mend.isEmpty { line += "\n           mend:     \(shown(check.mend))" }
        } else if !check.actual.isEmpty {
            line += " (\(shown(check.actual)))"
        }
        return line
    }

    private static func needed(_ settings: Settings) -> String {
        (["user"] + settings.token.required.filter { $0 != "user" }).joined(separator: ", ")
    }

    private static func check(_ refusal: ClaimsCheck.Refusal, _ settings: Settings) -> TokenCheck {
        let claims = settings.token.claims.first { $0.field == refusal.field }?.claims ?? []
        let names = claims.joined(separator: ", ")
        if refusal.reason == .fieldMissing {
            return TokenCheck(
                "fields", .failed(refusal.reason),
                expected: "the field \(refusal.field), from one of the claims \(names)",
                actual: "none of them",
                mend:
                    "let the identity provider send one of them, or name the claim it sends in token.claims.\(refusal.field)"
                    + (refusal.field == "user" ? "" : ", or take \(refusal.field) out of token.required"))
        }
        return TokenCheck(
            "fields", .failed(refusal.reason), expected: "a sound value for the field \(refusal.field), from \(names)",
            actual: "a value with control characters, of the wrong kind, too long, or no e-mail address",
            mend: "correct what the identity provider sends for this user")
    }

    /// One line of a terminal, whatever the token holds.
    private static func shown(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(400) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
