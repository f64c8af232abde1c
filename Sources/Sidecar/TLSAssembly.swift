// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import Proxy
import TLS

extension TLSServerConfiguration {
    /// What browsers meet, by settings whose certificates were judged already.
    ///
    /// - Parameter offersHTTP2: HTTP/2 is agreed on with whoever can speak it.
    package init(_ settings: TLSSettings, offersHTTP2: Bool) throws(TLSError) {
        self.init(identities: try settings.certificates.identities)
        minimumVersion = settings.minimumVersion == "1.3" ? .v13 : .v12
        if offersHTTP2 { protocols.insert("h2", at: 0) }
        clientAuthorities = settings.clientAuthorities
        clientAuthentication =
            switch settings.clientAuthentication {
            case .none: .none
            case .request: .request
            case .require: .require
            }
    }
}

extension TLSClientConfiguration {
    /// How the app is met.
    init(_ settings: UpstreamTLSSettings) throws(TLSError) {
        self.init()
        if let authorities = settings.authorities { trust = .authorities(authorities) }
        serverName = settings.serverName
        if let pair = settings.certificate { identity = try TLSIdentity(pair.chain, key: pair.key) }
        skipsVerification = settings.skipsVerification
    }
}

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
        self.init(origin: settings.publicURL.flatMap { PublicOrigin($0.description) }, port: port)
    }
}

extension [CertificateSettings] {
    fileprivate var identities: [TLSIdentity] {
        get throws(TLSError) {
            var identities: [TLSIdentity] = []
            for pair in self { identities.append(try TLSIdentity(pair.chain, key: pair.key)) }
            return identities
        }
    }
}
