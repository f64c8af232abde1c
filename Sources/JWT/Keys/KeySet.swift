// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The keys for verifying tokens.
package struct KeySet: Sendable {
    /// More keys in one JWK Set are rejected: each adds to the cost of a token without a key ID.
    package static let maximumKeyCount = 100

    package let keys: [VerificationKey]
    /// Why keys of a JWK Set were left out, for humans.
    package let ignored: [String]

    package init(keys: [VerificationKey], ignored: [String] = []) {
        self.keys = keys
        self.ignored = ignored
    }

    /// A JWK Set, or a single JWK (RFC 7517), as JSON text.
    ///
    /// Rejected as a whole: two keys with one ID, since the reference is ambiguous, and secrets beside public keys,
    /// since such a set is either public, secrets included, or unnecessarily secret.
    ///
    /// - Parameter isLenient: for a set published by a provider, where a bad key must not affect the good ones: broken,
    ///   weak and duplicate keys are left out, as are secrets beside public keys; ``ignored`` says which and why.
    ///   Anything but a JWK Set with a usable key is still rejected.
    package init(jwks text: [UInt8], allowWeak: Bool = false, isLenient: Bool = false) throws(KeyError) {
        let value: JSONValue
        do {
            value = try JSONParser.parse(text.span)
        } catch {
            throw .malformed("the JWK Set is not usable JSON: \(error.message)")
        }
        guard value.object != nil else { throw .malformed("the JWK Set is \(value.kindName), not an object") }
        guard let members = value["kty"] != nil ? [value] : value["keys"]?.array else {
            throw .malformed("not a JWK Set: an object with an array \"keys\" is required")
        }
        guard members.count <= Self.maximumKeyCount else {
            throw .unsupported("a JWK Set of \(members.count) keys; at most \(Self.maximumKeyCount) are supported")
        }
        var keys: [VerificationKey] = []
        var ignored: [String] = []
        for member in members {
            do {
                switch try JSONWebKey.read(member, allowWeak: allowWeak) {
                case .key(let key): keys.append(key)
                case .ignored(let reason): ignored.append(reason)
                }
            } catch {
                guard isLenient else { throw error }
                ignored.append(error.message)
            }
        }
        if isLenient { Self.leaveOut(&keys, &ignored) }
        guard let first = keys.first else {
            let reasons = ignored.isEmpty ? "" : ": " + ignored.joined(separator: "; ")
            throw .unsupported("no usable key in the JWK Set\(reasons)")
        }
        guard keys.allSatisfy({ $0.isSymmetric == first.isSymmetric }) else {
            throw .malformed("the JWK Set holds secrets and public keys; keep them apart")
        }
        if !isLenient {
            var identifiers: Set<[UInt8]> = []
            for identifier in keys.compactMap(\.keyID) where !identifiers.insert(Array(identifier.utf8)).inserted {
                throw .malformed("two keys in the JWK Set have the kid \(quoted(identifier))")
            }
        }
        self.init(keys: keys, ignored: ignored)
    }

    /// Removes keys that must not be used from a set published by another party.
    private static func leaveOut(_ keys: inout [VerificationKey], _ ignored: inout [String]) {
        if keys.contains(where: { !$0.isSymmetric }), keys.contains(where: \.isSymmetric) {
            keys.removeAll(where: \.isSymmetric)
            ignored.append("the secrets in a JWK Set that holds public keys, and so is public")
        }
        var kept: [VerificationKey] = []
        for key in keys {
            // RFC 7517 §4.5: keys of different types may share an ID, since the algorithm distinguishes them.
            let hasTwin = kept.contains { other in
                guard let name = key.keyID, let otherName = other.keyID, name.isExactly(otherName) else { return false }
                return Algorithm.allCases.contains { key.serves($0) && other.serves($0) }
            }
            if hasTwin {
                ignored.append("a second key with the kid \(quoted(key.keyID ?? ""))")
            } else {
                kept.append(key)
            }
        }
        keys = kept
    }

    /// The keys of both sets, those of this one first.
    package func merged(with other: KeySet) -> KeySet {
        KeySet(keys: keys + other.keys, ignored: ignored + other.ignored)
    }

    /// The keys to try for a token.
    ///
    /// A token with a key ID gets the key with that ID; if there is none, the keys without ID, as configured. A token
    /// without key ID gets all that fit.
    func candidates(for algorithm: Algorithm, keyID: String?) -> [VerificationKey] {
        guard let keyID else { return keys.filter { $0.serves(algorithm) } }
        let named = keys.filter { $0.keyID?.isExactly(keyID) ?? false }
        let chosen = named.isEmpty ? keys.filter { $0.keyID == nil } : named
        return chosen.filter { $0.serves(algorithm) }
    }
}
