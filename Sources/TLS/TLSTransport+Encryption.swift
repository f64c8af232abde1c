// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Reactor

// Records of libssl's.
extension TLSTransport {
    func append(
        _ piece: Span<UInt8>, to scratch: ReceiveBuffer, _ place: inout Int, _ skip: inout Int, limit: Int
    ) {
        let skipped = min(skip, piece.count)
        skip -= skipped
        let count = min(piece.count - skipped, limit - place)
        guard count > 0 else { return }
        let part = piece.extracting(skipped..<skipped + count)
        _ = unsafe scratch.fill(from: place, to: place + count) { target, _ in
            unsafe part.withUnsafeBytes { source in
                if let start = source.baseAddress { unsafe target.copyMemory(from: start, byteCount: count) }
            }
            return count
        }
        place += count
    }

    /// How many bytes libssl took, 0 when the socket is full; nil when the connection broke.
    func encrypt(_ ssl: OpaquePointer, _ piece: Span<UInt8>) -> Int? {
        var count = 0
        let result = unsafe piece.withUnsafeBytes { unsafe SSL_write_ex(ssl, $0.baseAddress, $0.count, &count) }
        if result == 1 { return count }
        switch unsafe SSL_get_error(ssl, 0) {
        case SSL_ERROR_WANT_WRITE, SSL_ERROR_WANT_READ: return 0
        default:
            error = unsafe takeFailure(ssl)
            state = .broken
            return nil
        }
    }
}
