// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What `sidegate explain` says about a token besides the checks: the mistakes that administrators make again and again,
/// recognised by what they look like.
///
/// Pure, and only for showing: nothing here decides anything. The texts never hold a secret, a signature or a key's
/// bytes.
package struct TokenDiagnosis {
    /// One thing that was noticed.
    package struct Note: Equatable, Sendable {
        /// In a few words: "look-alike letter".
        package let title: String
        /// What was seen, where.
        package let detail: String
        /// What to do about it; empty when nothing is wrong.
        package let mend: String

        package init(title: String, detail: String, mend: String = "") {
            self.title = title
            self.detail = detail
            self.mend = mend
        }
    }

    /// A secret of the config as it stands there, so that other readings of it can be tried.
    package struct NamedSecret: Sendable {
        /// Where it is from, for people: `token.keys[0].secretFile`.
        package let name: String
        /// The text, before `encoding` made a key of it.
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

    /// Everything noticed, the likeliest cause of a refusal first.
    ///
    /// - Parameters:
    ///   - token: as pasted: a whole URL, a form or an `Authorization` value will do.
    ///   - tokenParameter: the parameter that carries the token, for URLs.
    ///   - now: seconds since 1970.
    package static func notes(
        token: Span<UInt8>, policy: TokenPolicy, keys: KeySet, secrets: [NamedSecret] = [],
        tokenParameter: String = "jwt", now: Double
    ) -> [Note] {
        []
    }

    /// The compact token within what was pasted: a URL's or a form's parameter, what follows `Bearer `, what stands in
    /// quotation marks, without white space around it; as it is when none of these is found.
    package static func token(in text: Span<UInt8>, tokenParameter: String = "jwt") -> [UInt8] {
        var bytes: [UInt8] = []
        for index in text.indices { bytes.append(text[index]) }
        return bytes
    }
}
