// SPDX-License-Identifier: Apache-2.0

import Configuration
import TLS

/// Whether TLS connections are possible with given settings: libssl refuses certificates that are too weak for its policy,
/// such as those signed with SHA-1.
package enum TLSTrial {
    /// The errors; empty when there are none.
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
        let apps =
            [("upstream.tls", settings.upstream.tls)] + settings.apps.map { ("upstreams[].tls", $0.upstream.tls) }
        for (path, tls) in apps where !tls.ciphers.isEmpty {
            findings += ciphers(tls, path)
        }
        let outward =
            apps
            + settings.providers.flatMap { provider in
                provider.token.remoteKeys.map { (provider.place(of: "token.keys[]"), $0.tls) }
            }
            + (settings.provisioning.map { [("provisioning", $0.tls)] } ?? [])
            + (settings.redis.map { [("redis", $0.tls)] } ?? [])
        for (path, tls) in outward where tls.certificate != nil || tls.authorities != nil {
            attempt(path, tls.origin) {
                var configuration = try TLSClientConfiguration(tls)
                // Judged by themselves.
                configuration.ciphers = []
                _ = try TLSClientContext(configuration)
            }
        }
        return findings
    }

    private static func ciphers(_ tls: ClientTLSSettings, _ path: String) -> [Finding] {
        let unknown = CipherChoice.unknown(tls.ciphers)
        guard unknown.isEmpty else {
            return [
                .error(
                    tls.ciphersOrigin,
                    "`\(path).ciphers`: OpenSSL knows no \(unknown.map { Quoted.text($0) }.joined(separator: ", "));"
                        + " use names that `openssl ciphers -s ALL:COMPLEMENTOFALL` lists")
            ]
        }
        var configuration = TLSClientConfiguration()
        configuration.ciphers = tls.ciphers
        do throws(TLSError) {
            _ = try TLSClientContext(configuration)
            return []
        } catch {
            return [
                .error(
                    tls.ciphersOrigin,
                    "`\(path).ciphers`: no cipher is left that encrypts and authenticates; name one, such as"
                        + " ECDHE-RSA-AES128-SHA")
            ]
        }
    }

    private static let fix = "use a certificate that is signed with SHA-256, for a P-256 key or an RSA key of 2048 bits"
}
