// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Cryptography
import Glibc

/// The two secrets from which a connection's keys are derived (RFC 8446 §7.1), as reported by libssl during the
/// handshake.
package struct TrafficSecrets {
    private(set) var client: SecretBytes?
    private(set) var server: SecretBytes?

    package init(client: SecretBytes? = nil, server: SecretBytes? = nil) {
        (self.client, self.server) = (client, server)
    }

    /// Reads a secret from a line of the form `label random secret` in hexadecimal digits; other lines are ignored.
    ///
    /// - Returns: whether it was the server's, with which libssl seals from now on.
    fileprivate mutating func take(_ line: UnsafePointer<CChar>) -> Bool {
        let isServer = unsafe line[0] == Self.server[0]
        let label = isServer ? Self.server : Self.client
        for (index, byte) in label.enumerated() where unsafe line[index] != byte { return false }
        // The client's random number is in between.
        guard let gap = unsafe strchr(line + label.count, 0x20) else { return false }
        let digits = unsafe UnsafeRawBufferPointer(start: gap + 1, count: strlen(gap + 1))
        // A single reference: with a second one, overwriting would copy it first.
        guard var secret = Hex.decode(unsafe Span(_unsafeBytes: digits)) else { return false }
        defer { unsafe secret.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) } }
        if isServer { server = SecretBytes(secret) } else { client = SecretBytes(secret) }
        return isServer
    }

    private static let client = "CLIENT_TRAFFIC_SECRET_0 ".utf8CString.dropLast().map { $0 }
    private static let server = "SERVER_TRAFFIC_SECRET_0 ".utf8CString.dropLast().map { $0 }
}

/// libssl derived a secret. Output sealed with the server's is held back from then on, so that its records can be
/// counted.
let secretMade: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?) -> Void = { ssl, line in
    guard let ssl = unsafe ssl, let line = unsafe line, let transport = unsafe TLSTransport.owner(of: ssl) else {
        return
    }
    if unsafe transport.secrets.take(line) { transport.holdSealedBytes() }
}
