// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT

// The keys of the signed statement are read and checked before anything listens.

extension SettingsBuilder {
    /// nil: off, or not usable.
    mutating func assertion() -> AssertionSettings? {
        guard purpose == .serve else { return nil }
        let retired = resolution.items(AssertionOptions.retiredKeyFiles)
        guard let file = resolution.given(AssertionOptions.keyFile) else {
            if !retired.isEmpty {
                findings.append(
                    .error(
                        resolution.origin(AssertionOptions.retiredKeyFiles),
                        "`assertion.retiredKeyFiles` does nothing without `assertion.keyFile`; add it or remove this"))
            }
            return nil
        }
        let origin = file.origin
        let algorithm = resolution[AssertionOptions.algorithm]
        let header = resolution[AssertionOptions.header]
        checkHeader(header)
        var keys: [PublishedKey] = []
        var minter: TokenMinter?
        if let bytes = files.readSecret(file.value, for: "assertion.keyFile", at: origin, into: &findings) {
            do throws(KeyError) {
                let published = try PublishedKey(privateKeyPEM: bytes, algorithm: algorithm)
                keys.append(published)
                minter = try TokenMinter(privateKeyPEM: bytes, algorithm: algorithm, keyID: published.keyID)
            } catch {
                findings.append(.error(origin, "`assertion.keyFile`: \(error.message)\(Self.fix(error, algorithm))"))
            }
        }
        for item in retired {
            if let key = retiredKey(item.value, at: item.origin) { keys.append(key) }
        }
        guard let minter else { return nil }
        let named = resolution[AssertionOptions.issuer] ?? resolution[AddressOptions.publicURL]?.words
        let audience = resolution[AssertionOptions.audience]
        if named == nil, audience == nil {
            findings.append(
                .warning(
                    origin,
                    "`assertion`: nothing says which app a statement is for, so one for another app with the same key would"
                        + " be accepted too; set `publicURL` or `assertion.audience`"))
        }
        let issuer = named ?? "sidegate"
        return AssertionSettings(
            header: header, minter: minter, keys: keys, issuer: issuer, audience: audience ?? issuer,
            lifetime: resolution[AssertionOptions.lifetime])
    }

    private mutating func checkHeader(_ header: String) {
        let folded = HeaderName.folded(header)
        let preset = resolution[IdentityOptions.preset].rules.map(\.name)
        let names = resolution[IdentityOptions.headers].map(\.name) + preset
        let isTaken = names.contains { HeaderName.folded($0) == folded }
        if isTaken {
            findings.append(
                .error(
                    resolution.origin(AssertionOptions.header),
                    "`assertion.header`: \(header) is an identity header already; choose another name"))
        }
    }

    /// The public half is enough, and a retired private key should be deleted; but the file may still hold it.
    private mutating func retiredKey(_ path: String, at origin: SourceLocation) -> PublishedKey? {
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
