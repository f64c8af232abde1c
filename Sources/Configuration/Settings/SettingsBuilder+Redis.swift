// SPDX-License-Identifier: Apache-2.0

/// `redis`, and what is kept there.
package struct RedisSettings: Sendable {
    package var address: RedisAddress
    /// Of `address`, or of keys of their own.
    package var user: String
    /// nil: none is asked for.
    package var password: Secret?
    package var prefix: String
    package var timeout: Duration
    package var tls: ClientTLSSettings
    /// Where the address stands.
    package var origin: SourceLocation

    /// But for the credentials.
    package func isSamePlace(as other: RedisSettings) -> Bool {
        address == other.address && prefix == other.prefix && timeout == other.timeout && tls.isSame(as: other.tls)
    }
}

extension SettingsBuilder {
    /// nil: nothing is kept there, or nothing that could serve.
    mutating func redis() -> RedisSettings? {
        let users = ["replay.store", "session.store"].filter { resolution.text($0) == "redis" }
        guard purpose == .serve else { return nil }
        guard let first = users.first else {
            for path in ["redis.url", "redis.urlFile"] {
                guard let entry = resolution.entries[path], !entry.isDefault, entry.value != .text(""),
                    entry.value != (try? RedisAddress("redis://127.0.0.1:6379/0")).map(Value.redisAddress)
                else { continue }
                findings.append(
                    .warning(
                        entry.nameOrigin,
                        "`\(path)`: nothing is kept there; set `replay.store: redis`, so that a token signs in on one replica"
                            + " only, or remove this"))
            }
            return nil
        }
        let secrets = ["session.secret", "session.secretFile", "session.secrets", "session.secretsFile"]
        if secrets.allSatisfy({ resolution.entries[$0] == nil && !resolution.refusedPaths.contains($0) }) {
            findings.append(
                .error(
                    resolution.origin(first),
                    "`\(first)`: replicas share what is in Redis only if they share a session secret; put the output of"
                        + " `sidegate secret` into a file and set `session.secretFile` on each"))
        }
        guard let (address, origin) = redisAddress() else { return nil }
        var password: Secret? = address.password.isEmpty ? nil : Secret(Array(address.password.utf8))
        if let (name, place) = resolution.textIfSet("redis.passwordFile"), !name.isEmpty {
            if let bytes = files.readSecret(name, for: "redis.passwordFile", at: place, into: &findings), !bytes.isEmpty
            {
                password = Secret(bytes)
            }
        } else if let (text, _) = resolution.textIfSet("redis.password"), !text.isEmpty {
            password = Secret(Array(text.utf8))
        }
        let user = resolution.text("redis.user")
        if !user.isEmpty, password == nil,
            resolution.refusedPaths.isDisjoint(with: ["redis.password", "redis.passwordFile"])
        {
            findings.append(
                .error(
                    resolution.origin("redis.user"),
                    "`redis.user`: a user signs in with a password; add `redis.passwordFile`"))
        }
        let parts = parts(of: "redis", "ca", "serverName", "clientCertificate", "clientKey")
        if !address.isSecure {
            for (name, part) in parts.sorted(by: { $0.key < $1.key }) {
                findings.append(.error(part.origin, "`redis.\(name)` goes with rediss:// only; remove it"))
            }
        }
        if case .host(let host, _, isSecure: false) = address.place, !LoopbackHost.isNamed(in: "redis://\(host)"),
            password != nil
        {
            findings.append(
                .warning(
                    origin, "`redis.url`: without TLS the password can be read on its way; use rediss:// where you can")
            )
        }
        return RedisSettings(
            address: address, user: user.isEmpty ? address.user : user, password: password,
            prefix: resolution.text("redis.prefix"), timeout: resolution.duration("redis.timeout"),
            tls: address.isSecure ? callTLS("https://", in: "redis", parts) : ClientTLSSettings(), origin: origin)
    }

    private mutating func redisAddress() -> (address: RedisAddress, origin: SourceLocation)? {
        if let (name, origin) = resolution.textIfSet("redis.urlFile") {
            guard let bytes = files.readSecret(name, for: "redis.urlFile", at: origin, into: &findings) else {
                return nil
            }
            do throws(SyntaxProblem) {
                return (try RedisAddress(String(decoding: bytes, as: UTF8.self)), origin)
            } catch {
                findings.append(.error(origin, "`redis.urlFile`: \(error.message)"))
                return nil
            }
        }
        guard case .redisAddress(let address)? = resolution.entries["redis.url"]?.value else { return nil }
        return (address, resolution.origin("redis.url"))
    }
}
