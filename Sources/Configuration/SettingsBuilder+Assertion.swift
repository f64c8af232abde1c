// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT

/// `assertion`
package struct AssertionSettings: Sendable {
    package var header: String
    package var minter: TokenMinter
    /// Of the signing key and the retired ones.
    package var keys: [PublishedKey]
    package var issuer: String
    package var audience: String
    package var lifetime: Duration
}

// The keys of the signed statement are read and judged before anything listens.

extension SettingsBuilder {
    /// nil: off, or nothing that could serve.
    mutating func assertion() -> AssertionSettings? {
        guard purpose == .serve else { return nil }
        let path = resolution.text("assertion.keyFile")
        let retired = resolution.list("assertion.retiredKeyFiles")
        guard !path.isEmpty else {
            if !retired.isEmpty {
                findings.append(
                    .error(
                        resolution.origin("assertion.retiredKeyFiles"),
                        "`assertion.retiredKeyFiles` does nothing without `assertion.keyFile`; add it or remove this"))
            }
            return nil
        }
        let origin = resolution.origin("assertion.keyFile")
        let algorithm = Algorithm(name: resolution.text("assertion.algorithm")) ?? .es256
        let header = resolution.text("assertion.header")
        checkHeader(header)
        var keys: [PublishedKey] = []
        var minter: TokenMinter?
        if let bytes = files.readSecret(path, for: "assertion.keyFile", at: origin, into: &findings) {
            do throws(KeyError) {
                let published = try PublishedKey(privateKeyPEM: bytes, algorithm: algorithm)
                keys.append(published)
                minter = try TokenMinter(privateKeyPEM: bytes, algorithm: algorithm, keyID: published.keyID)
            } catch {
                findings.append(.error(origin, "`assertion.keyFile`: \(error.message)\(Self.fix(error, algorithm))"))
            }
        }
        for item in retired {
            if case .text(let path) = item.value, let key = retiredKey(path, at: item.origin) { keys.append(key) }
        }
        guard let minter else { return nil }
        var issuer = resolution.text("assertion.issuer")
        if issuer.isEmpty {
            if case .origin(let origin)? = resolution.entries["publicURL"]?.value { issuer = origin.description }
        }
        if issuer.isEmpty {
            issuer = "sidegate"
            if resolution.text("assertion.audience").isEmpty {
                findings.append(
                    .warning(
                        origin,
                        "`assertion`: nothing says which app a statement is for, so one for another app with the same key"
                            + " would be believed too; set `publicURL` or `assertion.audience`"))
            }
        }
        let audience = resolution.text("assertion.audience")
        return AssertionSettings(
            header: header, minter: minter, keys: keys, issuer: issuer, audience: audience.isEmpty ? issuer : audience,
            lifetime: resolution.duration("assertion.lifetime"))
    }

    private mutating func checkHeader(_ header: String) {
        let folded = HeaderName.folded(header)
        let preset = HeaderPreset(rawValue: resolution.text("headerPreset"))?.rules.map(\.name) ?? []
        let names = resolution.map("identityHeaders").map(\.name) + preset
        let isTaken = names.contains { HeaderName.folded($0) == folded }
        if isTaken {
            findings.append(
                .error(
                    resolution.origin("assertion.header"),
                    "`assertion.header`: \(header) is an identity header already; choose another name"))
        }
    }

    /// The public half is enough, and a retired private key is better thrown away; but it may still be where it was.
    private mutating func retiredKey(_ path: String, at origin: Origin) -> PublishedKey? {
        let name = "assertion.retiredKeyFiles"
        guard let bytes = files.read(path, for: name, at: origin, into: &findings)?.bytes else { return nil }
        do throws(KeyError) {
            return try PublishedKey(pem: bytes)
        } catch {
            findings.append(.error(origin, "`\(name)`: \(error.message)"))
            return nil
        }
    }

    private static func fix(_ error: KeyError, _ algorithm: Algorithm) -> String {
        guard case .unsupported = error else { return "" }
        return algorithm == .es256
            ? "; make an EC key on P-256 (openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256), or set"
                + " `assertion.algorithm: RS256` for an RSA key"
            : "; make an RSA key (openssl genpkey -algorithm RSA), or set `assertion.algorithm: ES256` for an EC key on"
                + " P-256"
    }
}
