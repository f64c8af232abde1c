// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Cryptography

/// The ciphers of a context, as libssl takes them.
package struct CipherChoice {
    /// Those of TLS 1.2 and before.
    let list: String
    /// Those of TLS 1.3.
    let suites: String

    /// - Parameter names: OpenSSL's, also aliases and operators (openssl-ciphers(1)); empty: the standard ones.
    init(_ names: [String], minimum: TLSVersion) {
        let standard = minimum.isObsolete ? Self.modern + ":" + Self.old : Self.modern
        let older = names.filter { !Self.isSuite($0) }
        // Whatever the list says: each side is authenticated, and the data encrypted.
        list = older.isEmpty ? standard : older.joined(separator: ":") + ":!aNULL:!eNULL"
        let newer = names.filter(Self.isSuite)
        suites = newer.isEmpty ? Self.standardSuites : newer.joined(separator: ":")
    }

    /// Those of `names` that libssl does not know: it would ignore them without a word.
    package static func unknown(_ names: [String]) -> [String] {
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else { return [] }
        defer {
            unsafe SSL_CTX_free(context)
            ErrorQueue.empty()
        }
        unsafe SSL_CTX_set_security_level(context, 0)
        return names.filter { name in
            if isSuite(name) { return unsafe SSL_CTX_set_ciphersuites(context, name) != 1 }
            if name.hasPrefix("@") {
                return name != "@STRENGTH" && !(0...5).contains { name == "@SECLEVEL=\($0)" }
            }
            let plain = name.first.map { "!-+".contains($0) } == true ? String(name.dropFirst()) : name
            return unsafe plain.isEmpty || SSL_CTX_set_cipher_list(context, plain) != 1
        }
    }

    private static func isSuite(_ name: String) -> Bool { name.hasPrefix("TLS_") }

    /// Mozilla's intermediate set (ssl-config.mozilla.org, 5.7) without finite-field Diffie-Hellman, the most expensive
    /// for servers.
    private static let modern = """
        ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
        ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
        """
    /// What servers without TLS 1.2 have.
    private static let old = """
        ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA:\
        DHE-RSA-AES256-SHA:AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES128-SHA:AES256-SHA
        """
    /// TLS 1.3's suites, in the browsers' order. The second one uses SHA-384, for which few processors have
    /// instructions: a handshake costs 4 % more with it.
    private static let standardSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
}
