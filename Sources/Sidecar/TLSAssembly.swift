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
    ///
    /// - Parameter offersHTTP2: HTTP/2 is agreed on with an app that can speak it.
    package init(_ settings: ClientTLSSettings, offersHTTP2: Bool = false) throws(TLSError) {
        self.init()
        if offersHTTP2 { protocols = [TLSServerConfiguration.http2, "http/1.1"] }
        if let authorities = settings.authorities { trust = .authorities(authorities) }
        serverName = settings.serverName
        if let pair = settings.certificate { identity = try TLSIdentity(pair.chain, key: pair.key) }
        skipsVerification = settings.skipsVerification
    }
}

/// Whether connections can be made from settings at all: libssl refuses what is too weak for its policy, such as
/// certificates signed by way of SHA-1.
package enum TLSTrial {
    /// What is at fault; empty when all is well.
    package static func findings(_ settings: Settings) -> [Finding] {
        var findings: [Finding] = []
        func attempt(_ path: String, _ origin: SourceLocation, _ make: () throws -> Void) {
            do { try make() } catch { findings.append(.error(origin, "`\(path)`: \(error); \(fix)")) }
        }
        if let tls = settings.tls {
            attempt("tls.certificates", tls.origin) {
                _ = try TLSServerContext(TLSServerConfiguration(tls, offersHTTP2: false))
            }
        }
        let outward =
            [("upstream.tls", settings.upstream.tls)] + settings.token.remoteKeys.map { ("token.keys[]", $0.tls) }
            + (settings.provisioning.map { [("provisioning", $0.tls)] } ?? [])
            + (settings.redis.map { [("redis", $0.tls)] } ?? [])
        for (path, tls) in outward where tls.certificate != nil || tls.authorities != nil {
            attempt(path, tls.origin) { _ = try TLSClientContext(TLSClientConfiguration(tls)) }
        }
        return findings
    }

    private static let fix = "have it issued anew, signed by way of SHA-256, for a key of P-256 or RSA with 2048 bits"
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
