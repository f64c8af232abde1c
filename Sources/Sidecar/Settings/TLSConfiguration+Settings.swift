// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import Proxy
import TLS

extension TLSServerConfiguration {
    /// For connections of browsers, from settings whose certificates were checked already.
    ///
    /// - Parameter offersHTTP2: HTTP/2 is negotiated with clients that support it.
    package init(_ settings: TLSSettings, offersHTTP2: Bool) throws(TLSError) {
        self.init(identities: try settings.certificates.identities)
        minimumVersion =
            switch settings.minimumVersion {
            case .v12: .v12
            case .v13: .v13
            }
        if offersHTTP2 { protocols.insert(Self.http2, at: 0) }
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
    /// For connections to other servers.
    ///
    /// - Parameter offersHTTP2: HTTP/2 is negotiated with an app that supports it.
    package init(_ settings: ClientTLSSettings, offersHTTP2: Bool = false) throws(TLSError) {
        self.init()
        if offersHTTP2 { protocols = [TLSServerConfiguration.http2, "http/1.1"] }
        if let authorities = settings.authorities { trust = .authorities(authorities) }
        serverName = settings.serverName
        minimumVersion =
            switch settings.minimumVersion {
            case .v10: .v10
            case .v11: .v11
            case .v12: .v12
            case .v13: .v13
            }
        ciphers = settings.ciphers
        if let pair = settings.certificate { identity = try TLSIdentity(pair.chain, key: pair.key) }
        skipsVerification = settings.skipsVerification
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
