// SPDX-License-Identifier: Apache-2.0

/// Finds names of header parameters or claims that were meant to be others.
struct NameDiagnosis {
    /// What a name is one of, for people.
    let part: String
    /// The setting that could make it good.
    let setting: String
    /// The names that mean something here.
    let known: [String]
    /// Other words for them, in lower case.
    let synonyms: [String: String]
    let aliases: [String: [String]]

    func notes(_ object: JSONObject) -> [TokenDiagnosis.Note] {
        var notes: [TokenDiagnosis.Note] = []
        /// What each name means, or looks as if it did.
        var meanings: [(name: String, meaning: String)] = []
        for member in object.members.prefix(Self.maximumCount) {
            let name = member.name
            let reading = LookAlikes.reading(of: name)
            let plain = Self.folded(Self.trimmed(reading?.plain ?? name))
            if let exact = known.first(where: { $0.isExactly(name) }) {
                meanings.append((name, exact))
                continue
            }
            let meant =
                known.first { Self.folded($0).isExactly(plain) } ?? (reading == nil ? synonym(plain, object) : nil)
            meanings.append((name, meant ?? plain))
            guard let meant else {
                if let reading { notes.append(lookAlike(name, reading, nil)) }
                continue
            }
            if let reading {
                notes.append(lookAlike(name, reading, meant))
            } else if !Self.trimmed(name).isExactly(name) {
                notes.append(
                    note("white space in a name", "the \(part) \(quoted(name)) has white space around it", name, meant))
            } else if Self.folded(name).isExactly(Self.folded(meant)) {
                notes.append(
                    note(
                        "upper and lower case", "the \(part) \(quoted(name)) is not \(quoted(meant)): case counts",
                        name,
                        meant))
            } else {
                notes.append(
                    note("an unusual name", "the \(part) \(quoted(name)) may be meant as \(quoted(meant))", name, meant)
                )
            }
        }
        return notes + twins(meanings)
    }

    private func lookAlike(
        _ name: String, _ reading: (plain: String, letters: [Unicode.Scalar]), _ meant: String?
    ) -> TokenDiagnosis.Note {
        var seen: Set<Unicode.Scalar> = []
        let letters = reading.letters.filter { seen.insert($0).inserted }.map { LookAlikes.describe($0) }
        let detail =
            "the \(part) \(quoted(name)) looks like \(quoted(meant ?? reading.plain)) but has "
            + letters.joined(separator: ", ")
        return note("look-alike letters", detail, name, meant)
    }

    private func note(_ title: String, _ detail: String, _ name: String, _ meant: String?) -> TokenDiagnosis.Note {
        guard let meant else { return .init(title: title, detail: detail, fix: "write the name in plain ASCII") }
        if aliases[meant]?.contains(where: { $0.isExactly(name) }) ?? false {
            return .init(title: title, detail: detail + "; \(setting) makes it \(quoted(meant)) here")
        }
        return .init(
            title: title, detail: detail,
            fix:
                "have the identity provider write \(quoted(meant)), or set \(setting): { \(meant): [\(quoted(name))] }")
    }

    /// Two names that mean, or seem to mean, the same.
    private func twins(_ meanings: [(name: String, meaning: String)]) -> [TokenDiagnosis.Note] {
        var notes: [TokenDiagnosis.Note] = []
        for (index, later) in meanings.enumerated() {
            guard let earlier = meanings[..<index].first(where: { $0.meaning.isExactly(later.meaning) }) else {
                continue
            }
            notes.append(
                .init(
                    title: "two names that look alike",
                    detail: "the \(part)s \(quoted(earlier.name)) and \(quoted(later.name)) both read as "
                        + quoted(later.meaning),
                    fix: "send one of them: which one another reader believes is anyone's guess"))
        }
        return notes
    }

    /// Only when the name itself is not there.
    private func synonym(_ plain: String, _ object: JSONObject) -> String? {
        synonyms[plain].flatMap { object[$0] == nil ? $0 : nil }
    }

    private static func folded(_ name: String) -> String {
        String(decoding: name.utf8.map { (0x41...0x5A).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
    }

    private static func trimmed(_ name: String) -> String {
        var scalars = name.unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }

    /// More names than any honest token has.
    private static let maximumCount = 200

    static let headerNames = ["alg", "typ", "kid", "cty", "crit"]
    static let headerSynonyms = ["type": "typ", "algorithm": "alg", "keyid": "kid", "key_id": "kid"]
    static let claimNames = [
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "email", "name", "preferred_username", "family_name",
        "given_name", "groups", "roles",
    ]
    static let claimSynonyms = [
        "issuer": "iss", "subject": "sub", "audience": "aud", "expires": "exp", "expiry": "exp", "expiration": "exp",
        "expires_at": "exp", "not_before": "nbf", "issued_at": "iat", "issuedat": "iat", "jwt_id": "jti",
        "e-mail": "email",
        "mail": "email", "useremail": "email",
    ]
}
