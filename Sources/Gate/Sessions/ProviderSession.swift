// SPDX-License-Identifier: Apache-2.0

import JWT

/// What an OpenID provider calls a user and the session there, by which it can end the gate's session (OpenID Connect
/// Back-Channel Logout 1.0 §2.1).
struct ProviderSession: Sendable, Equatable {
    /// `sub`, whatever the user's fields are filled from.
    let subject: String
    /// `sid`; empty: the provider gives sessions no names.
    let id: String

    /// Of a verified token.
    init(_ token: VerifiedToken) {
        subject = Self.text(token.claims["sub"])
        id = Self.text(token.claims["sid"])
    }

    /// As a session keeps it.
    var encoded: [UInt8] {
        var output: [UInt8] = []
        output.appendCounted(subject.utf8)
        output.appendCounted(id.utf8)
        return output
    }

    /// Nil for a session of another protocol.
    init?(encoded: [UInt8]) {
        var reader = SealedReader(encoded)
        guard let subject = reader.counted(), let id = reader.counted(), reader.isAtEnd else { return nil }
        self.subject = String(decoding: subject, as: UTF8.self)
        self.id = String(decoding: id, as: UTF8.self)
    }

    /// What names the gate's session in revocations.
    var subjects: [[UInt8]] {
        var subjects: [[UInt8]] = []
        if !subject.isEmpty { subjects.append(Self.name("q:", subject)) }
        if !id.isEmpty {
            subjects.append(Self.name("p:", id))
        } else if !subject.isEmpty {
            subjects.append(Self.name("n:", subject))
        }
        return subjects
    }

    /// What a logout token with these names ends: the session that it names, and sessions of its user without a name;
    /// without `sid` all of the user's.
    var endedSubjects: [[UInt8]] {
        guard !id.isEmpty else { return subject.isEmpty ? [] : [Self.name("q:", subject)] }
        return [Self.name("p:", id)] + (subject.isEmpty ? [] : [Self.name("n:", subject)])
    }

    private static func name(_ kind: String, _ text: String) -> [UInt8] { Array(kind.utf8) + Array(text.utf8) }

    /// Empty for what is not a name: OpenID Connect Core §2 limits them to 255 characters.
    private static func text(_ claim: JSONValue?) -> String {
        guard let text = claim?.string, text.utf8.count <= 255, FieldValue.problem(text) == nil else { return "" }
        return text
    }
}
