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
    /// How others are met.
    package init(_ settings: ClientTLSSettings) throws(TLSError) {
        self.init()
        if let authorities = settings.authorities { trust = .authorities(authorities) }
        serverName = settings.serverName
        if let pair = settings.certificate { identity = try TLSIdentity(pair.chain, key: pair.key) }
        skipsVerification = settings.skipsVerification
    }
}

/// Whether connections can be made from settings at all: libssl refuses what is too weak for its policy, such as
/// certificates signed by way of SHA-1.
package enum TLSTrial {
    /// The key at fault and why; nil when all is well.
    package static func problem(_ settings: Settings) -> (path: String, problem: String)? {
        let outward =
            [("upstream.tls", settings.upstream.tls)] + settings.token.remoteKeys.map { ("token.keys[]", $0.tls) }
            + (settings.provisioning.map { [("provisioning", $0.tls)] } ?? [])
        do {
            if let tls = settings.tls {
                _ = try TLSServerContext(TLSServerConfiguration(tls, offersHTTP2: false))
            }
        } catch {
            return ("tls.certificates", words(error))
        }
        for (path, tls) in outward where tls.certificate != nil || tls.authorities != nil {
            do { _ = try TLSClientContext(TLSClientConfiguration(tls)) } catch { return (path, words(error)) }
        }
        return nil
    }

    private static func words(_ error: any Error) -> String {
        "\(error); take a certificate with an RSA key of 2048 bits or more, or P-256, that is signed by way of SHA-256"
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
