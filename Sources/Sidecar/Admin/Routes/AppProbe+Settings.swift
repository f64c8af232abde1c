// SPDX-License-Identifier: Apache-2.0

import Configuration
import Proxy

extension AppProbe {
    init(_ settings: Settings, _ upstream: UpstreamConfiguration) {
        tls = upstream.tls
        leniency = upstream.leniency
        switch settings.upstream.address {
        case .unix(let path): socket = path
        default: origin = settings.upstream.address.description
        }
    }
}
