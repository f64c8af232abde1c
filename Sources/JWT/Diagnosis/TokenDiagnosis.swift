// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The part of `sidegate explain` that goes beyond the checks: recognises common mistakes of administrators by their
/// symptoms.
///
/// Pure, and only for display: nothing here makes a decision. The texts never contain a secret, a signature or a key's
/// bytes.
package struct TokenDiagnosis {
    /// One finding.
    package struct Note: Equatable, Sendable {
        /// A few words: "look-alike letter".
        package let title: String
        /// What was found, and where.
        package let detail: String
        /// What to do about it; empty if nothing is wrong.
        package let fix: String

        package init(title: String, detail: String, fix: String = "") {
            self.title = title
            self.detail = detail
            self.fix = fix
        }
    }

    /// The text of a secret in the configuration, so that other encodings of it can be tried.
    package struct NamedSecret: Sendable {
        /// Its source, for humans: `token.keys[0].secretFile`.
        package let name: String
        /// The text, before `encoding` is applied.
        package let text: [UInt8]
        package let encoding: SecretEncoding
        package let keyID: String?

        package init(name: String, text: [UInt8], encoding: SecretEncoding, keyID: String? = nil) {
            self.name = name
            self.text = text
            self.encoding = encoding
            self.keyID = keyID
        }
    }

    /// All findings: first the form, then names and times, then the signature, last the clock.
    ///
    /// - Parameters:
    ///   - token: as pasted; a whole URL, a form or an `Authorization` value is accepted too.
    ///   - tokenParameter: the parameter that carries the token, for URLs.
    ///   - claimNames: claims used by the configuration, besides the registered ones.
    ///   - now: seconds since 1970.
    package static func notes(
        token: Span<UInt8>, policy: TokenPolicy, keys: KeySet, secrets: [NamedSecret] = [],
        tokenParameter: String = "jwt", claimNames: [String] = [], now: Double
    ) -> [Note] {
        var notes: [Note] = []
        let text = TokenText(token, tokenParameter: tokenParameter)
        if let wrapping = text.wrapping {
            notes.append(
                Note(title: "not the token alone", detail: "it was taken out of \(wrapping), which is fine here"))
        }
        guard !text.token.isEmpty else { return notes }
        let parts = LenientToken(text.token)
        notes += parts.notes
        guard parts.parts.count == 3 else { return notes }

        let header = parts.object(0)
        let claims = parts.object(1)
        let aliased = { (object: JSONObject?, aliases: [String: [String]]) -> JSONObject? in
            guard let object else { return nil }
            if case .success(let resolved) = TokenExamination.resolve(object, aliases: aliases) { return resolved }
            return object
        }
        if let header {
            notes += NameDiagnosis(
                part: "header parameter", setting: "token.headerAliases", known: NameDiagnosis.headerNames,
                synonyms: NameDiagnosis.headerSynonyms, aliases: policy.headerAliases
            ).notes(header)
        }
        if let claims {
            notes += NameDiagnosis(
                part: "claim", setting: "token.claimAliases", known: NameDiagnosis.claimNames + claimNames,
                synonyms: NameDiagnosis.claimSynonyms, aliases: policy.claimAliases
            ).notes(claims)
        }
        let resolvedClaims = aliased(claims, policy.claimAliases)
        let times = TimeDiagnosis(policy: policy, now: now)
        if let resolvedClaims { notes += times.mistakes(resolvedClaims) }
        notes += SignatureDiagnosis(
            parts: parts, header: aliased(header, policy.headerAliases), policy: policy, keys: keys, secrets: secrets
        ).notes()
        if let resolvedClaims {
            if case .object(let events)? = resolvedClaims["events"],
                events.members.contains(where: { $0.name.hasSuffix("/backchannel-logout") })
            {
                notes.append(
                    Note(
                        title: "a logout token", detail: "its claim \"events\" marks it as a logout token",
                        fix: "it cannot be used to sign in; make the identity provider send a sign-in token"))
            }
            notes += times.clock(resolvedClaims)
        }
        return notes
    }

    /// The URL or form within pasted text, as it was sent; nil: the text is the token alone.
    package static func address(in text: Span<UInt8>, tokenParameter: String = "jwt") -> [UInt8]? {
        TokenText(text, tokenParameter: tokenParameter).address
    }

    /// Whether pasted text is an `Authorization` field with a bearer token, or its value.
    package static func isBearer(_ text: Span<UInt8>) -> Bool { TokenText(text, tokenParameter: "").isBearer }

    /// The compact token within pasted text: the parameter of a URL or a form, the text after `Bearer `, or the text in
    /// quotation marks, trimmed; unchanged if none of these is found.
    package static func token(in text: Span<UInt8>, tokenParameter: String = "jwt") -> [UInt8] {
        TokenText(text, tokenParameter: tokenParameter).token
    }
}
