// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Glibc
import Reactor

// TLS 1.3 without an `SSL`, once hands are shaken.
extension TLSTransport {
    /// Holds back what libssl sends from here on, by the key that `records` is to go on with: session tickets, which go with
    /// what is sent next.
    func holdSealedBytes() {
        if unsafe ssl != nil { unsafe bytes.pointee.holds = 1 }
    }

    /// The handshake failed: sends what was held back, which says why, and throws away what has come meanwhile. Left unread
    /// it would make a reset of our end, and a reset may overtake the alert.
    func sendHeldAlert() {
        guard case .server = role, unsafe ssl != nil, let descriptor = socket.descriptorInUse else { return }
        unsafe sidegate_tls_release(bytes)
        loop.withReceiveBuffer { buffer in
            _ = unsafe buffer.fill(from: 0, to: ReceiveBuffer.usualRead) { unsafe recv(descriptor, $0, $1, 0) }
        }
    }

    /// Lets go of the `SSL` where that is possible.
    func goOnWithoutLibrary() {
        guard case .server = role, let ssl = unsafe ssl else { return }
        defer { ErrorQueue.empty() }
        if let records = unsafe records(after: ssl) {
            agreed = (negotiatedProtocol, isResumed)
            self.records = records
            unsafe self.ssl = nil
            unsafe SSL_free(ssl)
        } else {
            unsafe bytes.pointee.holds = 0
            unsafe sidegate_ssl_set_read_ahead(ssl, 1)
        }
    }

    /// Nil for earlier versions, for clients that agreed on shorter records than ours (RFC 6066 §4), and whenever it is not
    /// certain where libssl stands.
    private func records(after ssl: OpaquePointer) -> RecordStream? {
        guard unsafe SSL_version(ssl) == TLS1_3_VERSION, unsafe SSL_has_pending(ssl) == 0,
            unsafe bytes.pointee.holds == 1, unsafe bytes.pointee.error == 0,
            let cipher = unsafe SSL_get_current_cipher(ssl),
            let suite = RecordSuite(rawValue: unsafe SSL_CIPHER_get_id(cipher)),
            unsafe SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl)) == 0,
            let descriptor = socket.descriptorInUse
        else { return nil }
        let sealed = unsafe UnsafeBufferPointer(start: bytes.pointee.held, count: bytes.pointee.held_count)
        return RecordStream(suite, secrets, over: descriptor, after: unsafe Array(sealed))
    }

    func read(_ records: RecordStream, into buffer: ReceiveBuffer, boundFor sink: Transport?) -> ReadOutcome {
        guard !records.hasEnded else { return .end }
        return loop.withReceiveBuffer { scratch in
            var (filled, sink) = (0, sink)
            var end = min(ReceiveBuffer.usualRead, buffer.capacity)
            while true {
                switch records.read(into: buffer, &filled, upTo: end, by: scratch) {
                case .emptied:
                    let more = socket.readElsewhere(more: false)
                    if filled > 0 { return .bytes(filled, more: more) }
                    if !more { return .wouldBlock }
                case .blocked:
                    socket.readElsewhere(more: false)
                    records.sendHeld()
                    return filled > 0 ? .bytes(filled, more: false) : .wouldBlock
                case .more:
                    guard filled > 0 else { continue }
                    let more = socket.readElsewhere(more: true)
                    guard let target = sink, !records.hasNewKey else { return .bytes(filled, more: more) }
                    end = min(target.writeRoom, buffer.capacity)
                    sink = nil
                    guard end - filled >= RecordStream.maximumRecord else { return .bytes(filled, more: more) }
                case .ended:
                    // It is found again by the next read.
                    return filled > 0 ? .bytes(filled, more: socket.readElsewhere(more: true)) : .end
                case .failed:
                    error = records.failure
                    state = .broken
                    return filled > 0 ? .bytes(filled, more: socket.readElsewhere(more: true)) : .failed(EPROTO)
                }
            }
        }
    }
}
