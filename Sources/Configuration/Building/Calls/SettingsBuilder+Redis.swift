// SPDX-License-Identifier: Apache-2.0

extension SettingsBuilder {
    /// Where the servers are.
    private struct RedisPlace {
        var topology: RedisTopology
        var isSecure: Bool
        /// None of them can be reached over a network.
        var isLocal: Bool
        /// Those in the address; empty: none.
        var credentials = (user: "", password: "")
        var origin: SourceLocation
    }

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
        guard let place = redisPlace() else { return nil }
        let inAddress = place.credentials
        let password = redisPassword(RedisOptions.password) ?? Secret(nonEmpty: inAddress.password)
        let user = redisUser(RedisOptions.user, RedisOptions.password, password)
        let sentinelPassword = redisPassword(RedisOptions.sentinelPassword)
        let sentinelUser = redisUser(RedisOptions.sentinelUser, RedisOptions.sentinelPassword, sentinelPassword)
        if !place.isSecure, !place.isLocal, password != nil || sentinelPassword != nil {
            let fix = place.topology.location == nil ? "`redis.tls: true`" : "rediss://"
            findings.append(
                .warning(
                    place.origin,
                    "`\(place.topology.optionPath)`: without TLS the password can be read on its way; use \(fix) where"
                        + " you can"))
        }
        return RedisSettings(
            topology: place.topology, isSecure: place.isSecure, user: user ?? inAddress.user, password: password,
            sentinelUser: sentinelUser ?? "", sentinelPassword: sentinelPassword,
            prefix: resolution[RedisOptions.prefix], timeout: resolution[RedisOptions.timeout], tls: redisTLS(place),
            origin: place.origin)
    }

    // MARK: - Places

    private mutating func redisPlace() -> RedisPlace? {
        if resolution.entry(RedisOptions.sentinels.path) != nil { return sentinelPlace() }
        if resolution.refused(RedisOptions.sentinels, RedisOptions.cluster) { return nil }
        refuseRedisOptions(
            [RedisOptions.master.row, RedisOptions.sentinelUser.row] + RedisOptions.sentinelPassword.rows,
            "is for `redis.sentinels` only; name the sentinels there, or remove it")
        if resolution.entry(RedisOptions.cluster.path) != nil { return clusterPlace() }
        refuseRedisOptions(
            [RedisOptions.usesTLS.row],
            "is for `redis.sentinels` and `redis.cluster`; begin `redis.url` with rediss:// instead")
        refuseRedisOptions(
            [RedisOptions.database.row],
            "is for `redis.sentinels` only; end `redis.url` with /\(resolution[RedisOptions.database]) instead")
        guard let address = redisAddress() else { return nil }
        var isLocal = true
        if case .host(let host, _, _) = address.value.place { isLocal = LoopbackHost.isNamed(in: "redis://\(host)") }
        return RedisPlace(
            topology: .single(address.value.location), isSecure: address.value.isSecure, isLocal: isLocal,
            credentials: (address.value.user, address.value.password), origin: address.origin)
    }

    private mutating func sentinelPlace() -> RedisPlace? {
        let sentinels = redisServers(RedisOptions.sentinels)
        guard let master = resolution[RedisOptions.master] else {
            if !resolution.refused(RedisOptions.master) {
                findings.append(
                    .error(
                        resolution.origin(RedisOptions.sentinels),
                        "`redis.master` is missing; say by which name the sentinels know the primary, such as"
                            + " `master: mymaster`"))
            }
            return nil
        }
        guard let sentinels else { return nil }
        let origin = resolution.origin(RedisOptions.sentinels)
        if sentinels.count == 1, sentinels[0].isLiteral, !sentinels[0].isLoopback {
            findings.append(
                .warning(
                    origin,
                    "`redis.sentinels`: a gate that starts while \(sentinels[0]) is down cannot find the primary; name"
                        + " the other sentinels too"))
        }
        return RedisPlace(
            topology: .sentinel(
                sentinels: sentinels, master: master, database: resolution[RedisOptions.database]),
            isSecure: resolution[RedisOptions.usesTLS], isLocal: sentinels.allSatisfy(\.isLoopback), origin: origin)
    }

    private mutating func clusterPlace() -> RedisPlace? {
        refuseRedisOptions(
            [RedisOptions.database.row], "is for `redis.sentinels` only: a cluster has database 0 alone; remove it")
        guard let seeds = redisServers(RedisOptions.cluster) else { return nil }
        return RedisPlace(
            topology: .cluster(seeds: seeds), isSecure: resolution[RedisOptions.usesTLS],
            isLocal: seeds.allSatisfy(\.isLoopback), origin: resolution.origin(RedisOptions.cluster))
    }

    /// nil: the list is not usable.
    private mutating func redisServers(_ option: Option<[ServerAddress]?>) -> [ServerAddress]? {
        let items = resolution.items(option)
        var addresses: [ServerAddress] = []
        for item in items {
            if addresses.contains(item.value) {
                findings.append(.error(item.origin, "`\(option.path)`: \(item.value) is there twice; remove one"))
            }
            addresses.append(item.value)
        }
        guard 1...RedisOptions.maximumServers ~= addresses.count else {
            findings.append(
                .error(
                    resolution.origin(option),
                    addresses.isEmpty
                        ? "`\(option.path)` is empty; name a server, or remove it"
                        : "`\(option.path)` has \(addresses.count) servers; name \(RedisOptions.maximumServers) at most:"
                            + " they know the others"))
            return nil
        }
        return addresses
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

    // MARK: - Credentials

    private mutating func redisPassword(_ option: SecretOption<String?>) -> Secret? {
        secret(option).flatMap { $0.bytes.isEmpty ? nil : Secret($0.bytes) }
    }

    private mutating func redisUser(
        _ option: Option<String?>, _ passwordOption: SecretOption<String?>, _ password: Secret?
    ) -> String? {
        let user = resolution[option]
        if user != nil, password == nil, !resolution.refused(passwordOption) {
            findings.append(
                .error(
                    resolution.origin(option),
                    "`\(option.path)`: a user signs in with a password; add `\(passwordOption.file.path)`"))
        }
        return user
    }

    private mutating func redisTLS(_ place: RedisPlace) -> ClientTLSSettings {
        if place.isSecure { return clientTLS(resolution, RedisOptions.tls, prefix: "") }
        refuseRedisOptions(
            RedisOptions.tls.rows,
            place.topology.location == nil
                ? "is for connections over TLS only; add `redis.tls: true`, or remove it"
                : "is for rediss:// only; remove it")
        return ClientTLSSettings()
    }

    // MARK: - Options without effect

    private mutating func refuseRedisOptions(_ rows: [OptionRow], _ problem: String) {
        for row in rows where resolution.isChanged(row) {
            findings.append(.error(resolution.entry(row.path)?.origin ?? .builtIn, "`\(row.path)` \(problem)"))
        }
    }

    private mutating func warnOfUnusedRedis() {
        let rows = RedisOptions.url.rows + [RedisOptions.sentinels.row, RedisOptions.cluster.row]
        for row in rows where resolution.isChanged(row) {
            findings.append(
                .warning(
                    resolution.entry(row.path)?.nameOrigin ?? .builtIn,
                    "`\(row.path)`: nothing is kept there; set `replay.store: redis`, so that a token signs in on one"
                        + " replica only, or remove this"))
        }
    }
}

extension Secret {
    fileprivate init?(nonEmpty text: String) {
        guard !text.isEmpty else { return nil }
        self.init(Array(text.utf8))
    }
}
