// SPDX-License-Identifier: Apache-2.0

import JWT

// `token.keys`: each item names one source of one or more keys.

extension SettingsBuilder {
    mutating func verificationKeys(for algorithms: Set<Algorithm>) -> KeySet {
        var keys: [VerificationKey] = []
        for (index, item) in resolution.list("token.keys").enumerated() {
            guard case .object(let parts) = item.value, parts["jwksURL"] == nil else { continue }
            for name in Self.callParts {
                if let given = parts[name] { refuseUnfit(name, given.origin, "jwksURL") }
            }
            guard let source = source(of: parts, at: item.origin) else { continue }
            if source.name.hasPrefix("secret") {
                namedSecrets.append(
                    NamedSecret(
                        name: "token.keys[\(index)].\(source.name)", text: Secret(source.bytes),
                        encoding: source.encoding, keyID: keyID(in: parts)))
            }
            do {
                let loaded = try source.load(keyID: keyID(in: parts), allowWeak: allowsWeak(parts))
                check(loaded, against: algorithms, at: source.origin)
                keys += loaded
            } catch {
                findings.append(.error(source.origin, "`token.keys[].\(source.name)`: \(error.message)"))
            }
        }
        return KeySet(keys: keys)
    }

    /// Key sets that are fetched while the gate runs.
    mutating func remoteKeys(for algorithms: Set<Algorithm>) -> [RemoteKeySettings] {
        var result: [RemoteKeySettings] = []
        for item in resolution.list("token.keys") {
            guard case .object(let parts) = item.value, let part = parts["jwksURL"], case .text(let url) = part.value
            else { continue }
            let path = "token.keys[].jwksURL"
            if url.isEmpty {
                findings.append(.error(part.origin, "`\(path)` is empty; write https://idp.example.com/jwks.json"))
                continue
            }
            if let given = parts["secretEncoding"] {
                refuseUnfit("secretEncoding", given.origin, "secret` or `secretFile")
            }
            if let given = parts["keyID"] { refuseUnfit("keyID", given.origin, "secretFile` or `publicKeyFile") }
            if result.contains(where: { $0.url == url }) {
                findings.append(.error(part.origin, "`\(path)`: this address is there twice; remove one"))
            }
            if !algorithms.isEmpty, algorithms.allSatisfy(\.isSymmetric) {
                findings.append(
                    .warning(
                        part.origin,
                        "`\(path)`: published key sets hold public keys, which serve none of `token.algorithms`; name what"
                            + " the identity provider signs with, such as RS256"))
            }
            warnOfPlainHTTP(url, path, part.origin, "keys")
            result.append(
                RemoteKeySettings(
                    url: url, tls: callTLS(url, in: "token.keys[]", parts), allowWeakSecret: allowsWeak(parts),
                    origin: part.origin))
        }
        return result
    }

    private func keyID(in parts: [String: Located]) -> String? {
        guard case .text(let keyID)? = parts["keyID"]?.value, !keyID.isEmpty else { return nil }
        return keyID
    }

    private func allowsWeak(_ parts: [String: Located]) -> Bool {
        parts["allowWeakSecret"]?.value == .boolean(true)
    }

    /// Reads what the item names; nil with a finding when there is nothing to read.
    private mutating func source(of parts: [String: Located], at origin: SourceLocation) -> KeySource? {
        for name in KeySource.names {
            guard let part = parts[name], case .text(let text) = part.value else { continue }
            let path = "token.keys[].\(name)"
            var bytes: [UInt8]?
            switch name {
            case "secret": bytes = Array(text.utf8)
            case "secretFile": bytes = files.readSecret(text, for: path, at: part.origin, into: &findings)
            default: bytes = files.read(text, for: path, at: part.origin, into: &findings)?.bytes
            }
            var encoding = SecretEncoding(rawValue: resolution.text("token.secretEncoding")) ?? .utf8
            if let given = parts["secretEncoding"], case .text(let text) = given.value {
                encoding = SecretEncoding(rawValue: text) ?? .utf8
                if !name.hasPrefix("secret") { refuseUnfit("secretEncoding", given.origin, "secret` or `secretFile") }
            }
            if let given = parts["keyID"], name == "jwksFile" {
                refuseUnfit("keyID", given.origin, "secretFile` or `publicKeyFile")
            }
            return bytes.map { KeySource(name: name, bytes: $0, encoding: encoding, origin: part.origin) }
        }
        let names = (KeySource.names + ["jwksURL"]).map { "`\($0)`" }
        findings.append(.error(origin, "this key names no source; add \(Quoted.choices(names))"))
        return nil
    }

    private mutating func refuseUnfit(_ name: String, _ origin: SourceLocation, _ companions: String) {
        findings.append(.error(origin, "`token.keys[].\(name)` goes with `\(companions)` only; remove it"))
    }

    private mutating func check(
        _ keys: [VerificationKey], against algorithms: Set<Algorithm>, at origin: SourceLocation
    ) {
        for key in keys where key.isWeak {
            findings.append(
                .warning(
                    origin,
                    "the secret is shorter than \(VerificationKey.minimumSecretByteCount * 8) bits and could be guessed;"
                        + " agree on a longer one with the identity provider"))
        }
        // A key set may hold keys for other uses; one that fits is enough.
        if algorithms.isEmpty || keys.contains(where: { key in algorithms.contains { key.serves($0) } }) { return }
        let pinned = Quoted.choices(algorithms.map(\.rawValue).sorted(), joining: "and")
        guard let key = keys.first else {
            findings.append(.error(origin, "this key set holds no usable key; export it again"))
            return
        }
        let usable = Algorithm.allCases.filter(key.serves).map(\.rawValue)
        findings.append(
            .error(
                origin,
                "this key (\(key.summary)) cannot verify \(pinned); set `token.algorithms` to what the identity provider"
                    + " signs with (\(Quoted.choices(usable)))"))
    }
}

/// What an item of `token.keys` names, read.
private struct KeySource {
    static let names = ["secretFile", "secret", "publicKeyFile", "jwksFile"]

    var name: String
    var bytes: [UInt8]
    var encoding: SecretEncoding
    var origin: SourceLocation

    func load(keyID: String?, allowWeak: Bool) throws(KeyError) -> [VerificationKey] {
        switch name {
        case "publicKeyFile": [try VerificationKey(pem: bytes, keyID: keyID)]
        case "jwksFile": try KeySet(jwks: bytes, allowWeak: allowWeak).keys
        default: [try VerificationKey(secret: bytes, encoding: encoding, keyID: keyID, allowWeak: allowWeak)]
        }
    }
}
