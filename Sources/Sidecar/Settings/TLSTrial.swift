// SPDX-License-Identifier: Apache-2.0

import Configuration
import TLS

/// Whether connections can be made from settings at all: libssl refuses what is too weak for its policy, such as
/// certificates signed by way of SHA-1.
package enum TLSTrial {
    /// What is at fault; empty when all is well.
    package static func findings(_ settings: Settings) -> [Finding] {
        var findings: [Finding] = []
        func attempt(_ path: String, _ origin: Origin, _ make: () throws -> Void) {
            do { try make() } catch { findings.append(.error(origin, "`\(path)`: \(error); \(mend)")) }
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

    private static let mend = "have it issued anew, signed by way of SHA-256, for a key of P-256 or RSA with 2048 bits"
}
