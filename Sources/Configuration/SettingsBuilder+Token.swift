// SPDX-License-Identifier: Apache-2.0

import JWT

// Tokens and the session.

extension SettingsBuilder {
    mutating func token() -> TokenSettings {
        let claims = resolution.map("token.claims").map { (field: $0.name, claims: $0.value.texts) }
        let fields = claims.map(\.field)
        for item in resolution.list("token.required") {
            guard case .text(let field) = item.value, !fields.contains(field) else { continue }
            let fix = Suggestion.nearest(to: field, among: fields).map { "did you mean `\($0)`?" }
            findings.append(
                .error(
                    item.origin,
                    "`token.required`: no claim fills the field \(Quoted.text(field)); "
                        + (fix ?? "add it to `token.claims`")))
        }
        if !fields.contains("user") {
            findings.append(
                .error(resolution.origin("token.claims"), "`token.claims`: the field `user` is needed; name its claims")
            )
        }
        let algorithms = resolution.texts("token.algorithms")
        if algorithms.isEmpty, !resolution.refusedPaths.contains("token.algorithms") {
            findings.append(
                .error(
                    resolution.origin("token.algorithms"),
                    "`token.algorithms` is empty; name those that the identity provider signs with, such as HS256"))
        }
        let policy = TokenPolicy(
            algorithms: Set(algorithms.compactMap { Algorithm(name: $0) }),
            issuer: issuer(),
            audience: resolution.texts("token.audience"),
            acceptAnyAudience: resolution.boolean("token.acceptAnyAudience"),
            clockSkew: resolution.duration("token.clockSkew").inSeconds,
            maxAge: resolution.duration("token.maxAge").inSeconds,
            requireExpiry: resolution.boolean("token.requireExpiry"),
            minimumIDLength: resolution.integer("token.minimumIDLength"),
            headerAliases: aliases("token.headerAliases"),
            claimAliases: aliases("token.claimAliases"))
        let keys = verificationKeys(for: policy.algorithms)
        return TokenSettings(
            policy: policy,
            keys: keys,
            namedSecrets: purpose == .inspect ? namedSecrets : [],
            remoteKeys: remoteKeys(for: policy.algorithms),
            singleUse: resolution.boolean("token.singleUse"),
            replayByID: resolution.boolean("token.replayByID"),
            claims: claims,
            required: resolution.texts("token.required"),
            bearer: resolution.boolean("token.bearer"))
    }

    private func aliases(_ path: String) -> [String: [String]] {
        Dictionary(resolution.map(path).map { ($0.name, $0.value.texts) }) { first, _ in first }
    }

    // MARK: - Session

    mutating func session() -> SessionSettings {
        SessionSettings(
            secrets: sessionSecrets(),
            cookieName: resolution.text("session.cookieName"),
            domain: resolution.text("session.domain").lowercased(),
            appCookies: resolution.texts("session.appCookies"),
            logoutPaths: resolution.texts("session.logoutPaths"),
            sameSite: resolution.text("session.sameSite"),
            lifetime: resolution.duration("session.lifetime"),
            idleTimeout: resolution.duration("session.idleTimeout"),
            isShared: resolution.text("session.store") == "redis")
    }

    static let minimumSessionSecret = 32

    private mutating func sessionSecrets() -> [Secret] {
        // Who looks at a token need not be allowed to read what seals sessions.
        if purpose == .inspect { return [] }
        var secrets: [(bytes: [UInt8], path: String, origin: Origin)] = []
        if let (text, origin) = resolution.textIfSet("session.secret") {
            secrets = [(Array(text.utf8), "session.secret", origin)]
        } else if let (name, origin) = resolution.textIfSet("session.secretFile") {
            let path = "session.secretFile"
            if let bytes = files.readSecret(name, for: path, at: origin, into: &findings) {
                secrets = [(bytes, path, origin)]
            }
        } else if let entry = resolution.entries["session.secrets"], case .list(let items) = entry.value {
            for item in items {
                if case .text(let text) = item.value {
                    secrets.append((Array(text.utf8), "session.secrets", item.origin))
                }
            }
            if items.isEmpty { findings.append(.error(entry.origin, "`session.secrets` is empty; name one at least")) }
        } else if let (name, origin) = resolution.textIfSet("session.secretsFile") {
            let path = "session.secretsFile"
            if let bytes = files.readSecret(name, for: path, at: origin, into: &findings) {
                secrets = bytes.split(separator: UInt8(ascii: "\n")).map { line in
                    (Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line), path, origin)
                }
                if secrets.isEmpty { findings.append(.error(origin, "`\(path)`: the file is empty")) }
            }
        } else if resolution.refusedPaths.isDisjoint(with: Self.secretPaths) {
            findings.append(
                .warning(
                    place(of: "session.secret"),
                    "no session secret: a random one is used, and everyone is logged out at each restart;"
                        + " put the output of `sidegate secret` into a file and set `session.secretFile`"))
        }
        for secret in secrets where secret.bytes.count < Self.minimumSessionSecret {
            findings.append(
                .error(
                    secret.origin,
                    "`\(secret.path)` has \(secret.bytes.count) bytes, too few to be safe; at least"
                        + " \(Self.minimumSessionSecret) are needed (`sidegate secret` makes one)"))
        }
        return secrets.map { Secret($0.bytes) }
    }

    private static let secretPaths: Set<String> = [
        "session.secret", "session.secretFile", "session.secrets", "session.secretsFile",
    ]
}

extension Value {
    /// The texts of a list.
    var texts: [String] {
        guard case .list(let items) = self else { return [] }
        return items.compactMap { if case .text(let text) = $0.value { text } else { nil } }
    }
}
