// SPDX-License-Identifier: Apache-2.0

/// Sec-WebSocket-Accept (RFC 6455 §4.2.2). SHA-1 only shows that the other side speaks WebSocket; it protects nothing.
package enum WebSocketAccept {
    /// The value that answers `key`; nil if the library has no SHA-1.
    package static func value(for key: [UInt8]) -> [UInt8]? {
        let text = key + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
        guard let digest = DigestAlgorithm.sha1.hash(text.span) else { return nil }
        return Base64.encode(digest.span)
    }
}
