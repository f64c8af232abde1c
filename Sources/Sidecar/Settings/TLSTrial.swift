// SPDX-License-Identifier: Apache-2.0

import Configuration
import TLS

/// Whether TLS connections are possible with given settings: libssl refuses certificates that are too weak for its policy,
/// such as those signed with SHA-1.
package enum TLSTrial {
    /// The errors; empty when there are none.
    package static func findings(_ settings: Settings) -> [Finding] {
        var findings: [Finding] = []
        func attempt(_ path: String, _ origin: Origin, _ make: () throws -> Void) {
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

    private static let fix = "use a certificate that is signed with SHA-256, for a P-256 key or an RSA key of 2048 bits"
}
