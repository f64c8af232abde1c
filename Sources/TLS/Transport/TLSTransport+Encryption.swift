// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Glibc
import Reactor

// Records processed by libssl.
extension TLSTransport {
    /// A read without bytes after `filled` bytes, which are returned first.
    func readNothing(_ ssl: OpaquePointer, after filled: Int) -> ReadOutcome {
        switch unsafe SSL_get_error(ssl, 0) {
        case SSL_ERROR_WANT_READ:
            socket.noteExternalRead(more: false)
            return filled > 0 ? .bytes(filled, more: false) : .wouldBlock
        case SSL_ERROR_WANT_WRITE:
            readAwaitsWritable = true
            socket.awaitWritable()
            return filled > 0 ? .bytes(filled, more: false) : .wouldBlock
        case SSL_ERROR_ZERO_RETURN:
            // The next read finds it again.
            return filled > 0 ? .bytes(filled, more: socket.noteExternalRead(more: true)) : .end
        default:
            let failure = unsafe takeFailure(ssl)
            error = failure
            state = .broken
            return filled > 0 ? .bytes(filled, more: socket.noteExternalRead(more: true)) : .failed(EPROTO)
        }
    }

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

    /// The number of bytes that libssl took, 0 if the socket is full; nil if the connection broke.
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
