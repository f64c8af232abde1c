// SPDX-License-Identifier: Apache-2.0

import JWT

// `token.keys`: each item names one source of one or more keys.

extension SettingsBuilder {
    mutating func verificationKeys(for algorithms: Set<Algorithm>) -> KeySet {
        var keys: [VerificationKey] = []
        for (index, item) in resolution.items(TokenOptions.keys).enumerated() {
            let values = item.value
            if values[KeyOptions.jwksURL] != nil { continue }
            let tls = KeyOptions.tls
            for option in [tls.ca, tls.serverName, tls.certificate, tls.key] {
                refuseUnfit(option, in: values, companions: "jwksURL")
            }
            guard let source = source(of: values, at: item.origin) else { continue }
            let keyID = values[KeyOptions.keyID]
            if case .secret = source.form {
                namedSecrets.append(
                    NamedSecret(
                        name: (self.item.map { "identityProviders[\($0.index)]." } ?? "")
                            + "token.keys[\(index)].\(source.name)", text: Secret(source.bytes),
                        encoding: source.encoding, keyID: keyID))
            }
            do {
                let loaded = try source.load(keyID: keyID, allowWeak: values[KeyOptions.allowsWeakSecret])
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
        for item in resolution.items(TokenOptions.keys) {
            let values = item.value
            guard let url = values.given(KeyOptions.jwksURL) else { continue }
            let path = "token.keys[].jwksURL"
            if url.value.isEmpty {
                findings.append(.error(url.origin, "`\(path)` is empty; write https://idp.example.com/jwks.json"))
                continue
            }
            refuseUnfit(KeyOptions.secretEncoding, in: values, companions: "secret` or `secretFile")
            refuseUnfit(KeyOptions.keyID, in: values, companions: "secretFile` or `publicKeyFile")
            if result.contains(where: { $0.url == url.value }) {
                findings.append(.error(url.origin, "`\(path)`: this address is there twice; remove one"))
            }
            if !algorithms.isEmpty, algorithms.allSatisfy(\.isSymmetric) {
                findings.append(
                    .warning(
                        url.origin,
                        "`\(path)`: published key sets hold public keys, which serve none of `token.algorithms`; name what"
                            + " the identity provider signs with, such as RS256"))
            }
            warnOfPlainHTTP(url, path, "keys")
            result.append(
                RemoteKeySettings(
                    url: url.value, tls: callTLS(url.value, values, KeyOptions.tls, prefix: "token.keys[]."),
                    allowWeakSecret: values[KeyOptions.allowsWeakSecret], origin: url.origin))
        }
        return result
    }

    /// Reads what the item names; nil with a finding when there is nothing to read.
    private mutating func source(of values: OptionValues, at origin: SourceLocation) -> KeySource? {
        let sources: [(KeySource.Form, Option<String?>, isFile: Bool)] = [
            (.secret, KeyOptions.secret.file, true), (.secret, KeyOptions.secret.inline, false),
            (.publicKey, KeyOptions.publicKeyFile, true), (.keySet, KeyOptions.jwksFile, true),
        ]
        for (form, option, isFile) in sources {
            guard let given = values.given(option) else { continue }
            let path = "token.keys[].\(option.name)"
            let bytes: [UInt8]?
            if !isFile {
                bytes = Array(given.value.utf8)
            } else if form == .secret {
                bytes = files.readSecret(given.value, for: path, at: given.origin, into: &findings)
            } else {
                bytes = files.read(given.value, for: path, at: given.origin, into: &findings)?.bytes
            }
            if form != .secret {
                refuseUnfit(KeyOptions.secretEncoding, in: values, companions: "secret` or `secretFile")
            }
            if form == .keySet {
                refuseUnfit(KeyOptions.keyID, in: values, companions: "secretFile` or `publicKeyFile")
            }
            let encoding = values[KeyOptions.secretEncoding] ?? resolution[TokenOptions.secretEncoding]
            return bytes.map {
                KeySource(form: form, name: option.name, bytes: $0, encoding: encoding, origin: given.origin)
            }
        }
        let names = (sources.map(\.1) + [KeyOptions.jwksURL]).map { "`\($0.name)`" }
        findings.append(.error(origin, "this key names no source; add \(Quoted.choices(names))"))
        return nil
    }

    private mutating func refuseUnfit<Value>(
        _ option: Option<Value>, in values: OptionValues, companions: String
    ) {
        guard let entry = values.entry(option.path) else { return }
        findings.append(
            .error(entry.origin, "`token.keys[].\(option.name)` is for `\(companions)` only; remove it"))
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
    enum Form {
        case secret, publicKey, keySet
    }

    let form: Form
    /// Of the option.
    let name: String
    let bytes: [UInt8]
    let encoding: SecretEncoding
    let origin: SourceLocation

    func load(keyID: String?, allowWeak: Bool) throws(KeyError) -> [VerificationKey] {
        switch form {
        case .publicKey: [try VerificationKey(pem: bytes, keyID: keyID)]
        case .keySet: try KeySet(jwks: bytes, allowWeak: allowWeak).keys
        case .secret: [try VerificationKey(secret: bytes, encoding: encoding, keyID: keyID, allowWeak: allowWeak)]
        }
    }
}
