// SPDX-License-Identifier: Apache-2.0

import Configuration
import Reactor
import Redis
import TLS

extension RedisConfiguration {
    /// - Parameters:
    ///   - endpoint: one of the servers that `settings` name, or lead to.
    ///   - tls: for connections over TLS.
    init(_ endpoint: Endpoint, _ settings: RedisSettings, tls: TLSClientContext?) {
        self.init(.at(endpoint), settings, tls: tls)
    }

    init(_ place: Place, _ settings: RedisSettings, tls: TLSClientContext?) {
        self.init(place)
        self.tls = tls
        credentials = RedisCredentials(settings)
        database = settings.topology.database
        timeout = .seconds(settings.timeout.inSeconds)
    }
}

extension RedisSentinelConfiguration {
    init(_ sentinels: [ServerAddress], _ master: String, _ settings: RedisSettings, tls: TLSClientContext?) {
        self.init(sentinels: sentinels.map { .init($0) }, master: master)
        self.tls = tls
        credentials = RedisCredentials(sentinels: settings)
    }
}

extension RedisConfiguration.Endpoint {
    init(_ location: RedisAddress.Location) {
        switch location.place {
        case .unix(let path): self = .unix(path: path)
        case .host(let host, let port, _): self = .host(host, port: port)
        }
    }

    init(_ address: ServerAddress) { self = .host(address.host, port: address.port) }
}

extension RedisCredentials {
    /// For the servers that hold the data.
    init(_ settings: RedisSettings) {
        self.init(user: Array(settings.user.utf8), password: settings.password?.bytes ?? [])
    }

    init(sentinels settings: RedisSettings) {
        self.init(user: Array(settings.sentinelUser.utf8), password: settings.sentinelPassword?.bytes ?? [])
    }
}
