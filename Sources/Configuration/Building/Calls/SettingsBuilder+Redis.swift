// SPDX-License-Identifier: Apache-2.0

extension SettingsBuilder {
    /// nil: nothing is kept there, or the settings are not usable.
    mutating func redis() -> RedisSettings? {
        guard purpose == .serve else { return nil }
        let stores = [
            (
                ReplayOptions.store.path, resolution.origin(ReplayOptions.store),
                resolution[ReplayOptions.store] == .redis
            ),
            (
                SessionOptions.store.path, resolution.origin(SessionOptions.store),
                resolution[SessionOptions.store] == .redis
            ),
        ]
        guard let (store, storeOrigin, _) = stores.first(where: \.2) else {
            warnOfUnusedRedis()
            return nil
        }
        if !resolution.isSet(SessionOptions.secret), !resolution.isSet(SessionOptions.secrets),
            !resolution.refused(SessionOptions.secret, SessionOptions.secrets)
        {
            findings.append(
                .error(
                    storeOrigin,
                    "`\(store)`: replicas share what is in Redis only if they share a session secret; put the output of"
                        + " `sidegate secret` into a file and set `session.secretFile` on each"))
        }
        guard let address = redisAddress() else { return nil }
        let inAddress = address.value.password
        var password = inAddress.isEmpty ? nil : Secret(Array(inAddress.utf8))
        if let (bytes, _, _) = secret(RedisOptions.password), !bytes.isEmpty { password = Secret(bytes) }
        let user = resolution[RedisOptions.user]
        if user != nil, password == nil, !resolution.refused(RedisOptions.password) {
            findings.append(
                .error(
                    resolution.origin(RedisOptions.user),
                    "`redis.user`: a user signs in with a password; add `redis.passwordFile`"))
        }
        if case .host(let host, _, isSecure: false) = address.value.place,
            !LoopbackHost.isNamed(in: "redis://\(host)"), password != nil
        {
            findings.append(
                .warning(
                    address.origin,
                    "`redis.url`: without TLS the password can be read on its way; use rediss:// where you can"))
        }
        return RedisSettings(
            address: address.value, user: user ?? address.value.user, password: password,
            prefix: resolution[RedisOptions.prefix], timeout: resolution[RedisOptions.timeout],
            tls: redisTLS(address.value), origin: address.origin)
    }

    private mutating func redisTLS(_ address: RedisAddress) -> ClientTLSSettings {
        if address.isSecure { return clientTLS(resolution, RedisOptions.tls, prefix: "") }
        for row in RedisOptions.tls.rows where resolution.isChanged(row) {
            findings.append(
                .error(
                    resolution.entry(row.path)?.origin ?? .builtIn, "`\(row.path)` is for rediss:// only; remove it"))
        }
        return ClientTLSSettings()
    }

    private mutating func warnOfUnusedRedis() {
        for row in RedisOptions.url.rows where resolution.isChanged(row) {
            findings.append(
                .warning(
                    resolution.entry(row.path)?.nameOrigin ?? .builtIn,
                    "`\(row.path)`: nothing is kept there; set `replay.store: redis`, so that a token signs in on one"
                        + " replica only, or remove this"))
        }
    }

    private mutating func redisAddress() -> Located<RedisAddress>? {
        if let file = resolution.given(RedisOptions.url.file) {
            guard let bytes = files.readSecret(file.value, for: "redis.urlFile", at: file.origin, into: &findings)
            else {
                return nil
            }
            do throws(SyntaxProblem) {
                return Located(value: try RedisAddress(String(decoding: bytes, as: UTF8.self)), origin: file.origin)
            } catch {
                findings.append(.error(file.origin, "`redis.urlFile`: \(error.message)"))
                return nil
            }
        }
        let url = RedisOptions.url.inline
        return Located(value: resolution[url], origin: resolution.origin(url))
    }
}
