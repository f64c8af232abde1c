// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT

// Tokens and the session.

extension SettingsBuilder {
    mutating func token() -> TokenSettings {
        let claims = claimRules()
        let fields = claims.map(\.field)
        for item in resolution.items(TokenOptions.required) where !fields.contains(item.value) {
            let field = item.value
            let fix = Suggestion.nearest(to: field, among: fields).map { "did you mean `\($0)`?" }
            findings.append(
                .error(
                    item.origin,
                    "`token.required`: no claim fills the field \(Quoted.text(field)); "
                        + (fix ?? "add it to `token.claims`")))
        }
        if !fields.contains("user") {
            findings.append(
                .error(
                    resolution.origin(TokenOptions.claims),
                    "`token.claims`: the field `user` is needed; name its claims")
            )
        }
        let algorithms = self.algorithms
        if algorithms.isEmpty, !resolution.refused(TokenOptions.algorithms) {
            findings.append(
                .error(
                    resolution.origin(TokenOptions.algorithms),
                    "`token.algorithms` is empty; name those that the identity provider signs with, such as HS256"))
        }
        var policy = TokenPolicy(
            algorithms: Set(algorithms),
            issuer: issuer(),
            audience: resolution[TokenOptions.audience],
            acceptAnyAudience: resolution[TokenOptions.acceptsAnyAudience],
            clockSkew: resolution[TokenOptions.clockSkew].inSeconds,
            maxAge: resolution[TokenOptions.maxAge].inSeconds,
            requireExpiry: resolution[TokenOptions.requiresExpiry],
            minimumIDLength: resolution[TokenOptions.minimumIDLength],
            headerAliases: aliases(TokenOptions.headerAliases),
            claimAliases: aliases(TokenOptions.claimAliases))
        policy = policyOfIDTokens(policy)
        let keys = verificationKeys(for: policy.algorithms)
        return TokenSettings(
            policy: policy,
            keys: keys,
            namedSecrets: purpose == .inspect ? namedSecrets : [],
            remoteKeys: remoteKeys(for: policy.algorithms),
            singleUse: resolution[TokenOptions.singleUse],
            replayByID: resolution[TokenOptions.replayByID],
            claims: claims,
            required: resolution[TokenOptions.required],
            acceptsUnverifiedEmail: resolution[TokenOptions.acceptsUnverifiedEmail],
            bearer: acceptsBearer)
    }

    private mutating func claimRules() -> [ClaimRule] {
        resolution[TokenOptions.claims].map { entry in
            let rule = entry.value.rule(entry.name)
            let path = "token.claims.\(Quoted.plain(entry.name))"
            func refuse(_ problem: String) { findings.append(.error(entry.nameOrigin, "`\(path)\(problem)")) }
            if rule.sources.isEmpty {
                refuse("` names no claim; add `claims` or `paths`, or write [] to remove the field")
            }
            if rule.paths.contains(where: \.isEmpty) {
                refuse(".paths` has an empty path; write the names in it, such as [[realm_access, roles]]")
            }
            if rule.paths.contains(where: { $0.count > ClaimRule.maximumDepth }) {
                refuse(".paths`: a path has at most \(ClaimRule.maximumDepth) names; shorten it")
            }
            if let split = rule.split {
                if split.utf8.count > 8 || split.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }) {
                    refuse(".split` has at most 8 bytes, and no control character but a tab; write \" \" or \",\"")
                }
                if !split.isEmpty, ["user", "email", "guest"].contains(rule.field) {
                    refuse(".split`: this field has one value; remove it")
                }
            }
            return rule
        }
    }

    private func aliases(_ option: Option<[MapEntry<[String]>]>) -> [String: [String]] {
        Dictionary(resolution[option].map { ($0.name, $0.value) }) { first, _ in first }
    }

    // MARK: - Session

    mutating func session() -> SessionSettings {
        warnOfPatterns(resolution.items(SessionOptions.logoutPaths), SessionOptions.logoutPaths.path)
        return SessionSettings(
            secrets: sessionSecrets(),
            cookieName: resolution[SessionOptions.cookieName],
            domain: resolution[SessionOptions.domain].lowercased(),
            appCookies: resolution[SessionOptions.appCookies],
            logoutPaths: resolution[SessionOptions.logoutPaths],
            keepForms: resolution[SessionOptions.keepForms],
            sameSite: resolution[SessionOptions.sameSite],
            partitioned: resolution[SessionOptions.partitioned],
            keepFragment: resolution[SessionOptions.keepFragment],
            lifetime: resolution[SessionOptions.lifetime],
            idleTimeout: resolution[SessionOptions.idleTimeout],
            isShared: resolution[SessionOptions.store] == .redis)
    }

    static let minimumSessionSecret = 32

    private mutating func sessionSecrets() -> [Secret] {
        // A user who inspects a token may not be allowed to read the secrets of sessions.
        if purpose == .inspect { return [] }
        var secrets: [(bytes: [UInt8], path: String, origin: SourceLocation)] = []
        let (one, several) = (SessionOptions.secret, SessionOptions.secrets)
        if resolution.isSet(one) {
            secrets = secret(one).map { [$0] } ?? []
        } else if let texts = resolution.given(several.inline) {
            secrets = resolution.items(several.inline).map {
                (Array($0.value.utf8), several.inline.path, $0.origin)
            }
            if secrets.isEmpty {
                findings.append(.error(texts.origin, "`session.secrets` is empty; name one at least"))
            }
        } else if let file = resolution.given(several.file) {
            let (path, origin) = (several.file.path, file.origin)
            if let bytes = files.readSecret(file.value, for: path, at: origin, isOneLine: false, into: &findings) {
                secrets = bytes.split(separator: UInt8(ascii: "\n")).map { line in
                    (Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line), path, origin)
                }
                if secrets.isEmpty { findings.append(.error(origin, "`\(path)`: the file is empty")) }
            }
        } else if !resolution.refused(one, several) {
            findings.append(
                .warning(
                    sourceLocation(of: one.inline.path),
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
}
