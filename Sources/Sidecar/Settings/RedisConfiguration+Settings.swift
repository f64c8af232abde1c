// SPDX-License-Identifier: Apache-2.0

import Configuration
import Reactor
import Redis
import TLS

extension RedisConfiguration {
    /// - Parameter tls: for an address over TLS.
    init(_ settings: RedisSettings, tls: TLSClientContext?) {
        switch settings.address.place {
        case .unix(let path): self.init(.unix(path: path))
        case .host(let host, let port, _): self.init(.host(host, port: port))
        }
        self.tls = tls
        credentials = RedisCredentials(settings)
        database = settings.address.database
        timeout = .seconds(settings.timeout.inSeconds)
    }
}

extension RedisCredentials {
    init(_ settings: RedisSettings) {
        self.init(user: Array(settings.user.utf8), password: settings.password?.bytes ?? [])
    }
}
