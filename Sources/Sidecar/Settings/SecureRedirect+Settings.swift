// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import Proxy

extension SecureRedirect {
    /// Nil when no address redirects.
    init?(_ settings: Settings) {
        let redirects = settings.listen.contains { if case .redirect = $0 { true } else { false } }
        guard redirects else { return nil }
        var port: UInt16 = 443
        for case .tcp(_, let served) in settings.listen {
            port = served
            break
        }
        self.init(origin: settings.publicURL, port: port)
    }
}
