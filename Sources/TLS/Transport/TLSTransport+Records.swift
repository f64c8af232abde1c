// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Glibc
import Reactor

// TLS 1.3 without an `SSL`, after the handshake.
extension TLSTransport {
    /// Holds back libssl's output from here on, which uses the key that `records` will continue with: session tickets,
    /// which are sent with the next data.
    func holdSealedBytes() {
        if unsafe ssl != nil { unsafe bytes.pointee.holds = 1 }
    }

    /// The handshake failed: sends the held output, which contains the alert, and discards the received bytes. Closing
    /// with unread bytes would reset the connection, and the reset may overtake the alert.
    func sendHeldAlert() {
        guard case .server = role, unsafe ssl != nil, let descriptor = socket.descriptorInUse else { return }
        unsafe sidegate_tls_release(bytes)
        loop.withReceiveBuffer { buffer in
            _ = unsafe buffer.fill(from: 0, to: ReceiveBuffer.usualRead) { unsafe recv(descriptor, $0, $1, 0) }
        }
    }

    /// Releases the `SSL` if that is possible.
    func switchToOwnRecordLayer() {
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

    /// Nil for earlier versions, for clients that negotiated shorter records (RFC 6066 §4), and whenever libssl's state
    /// is not certain.
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
                    let more = socket.noteExternalRead(more: false)
                    if filled > 0 { return .bytes(filled, more: more) }
                    if !more { return .wouldBlock }
                case .blocked:
                    socket.noteExternalRead(more: false)
                    records.sendHeld()
                    return filled > 0 ? .bytes(filled, more: false) : .wouldBlock
                case .more:
                    guard filled > 0 else { continue }
                    let more = socket.noteExternalRead(more: true)
                    guard let target = sink, !records.hasNewKey else { return .bytes(filled, more: more) }
                    end = min(mostToRead(boundFor: target), buffer.capacity)
                    sink = nil
                    guard end - filled >= RecordStream.maximumRecord else { return .bytes(filled, more: more) }
                case .ended:
                    // The next read finds it again.
                    return filled > 0 ? .bytes(filled, more: socket.noteExternalRead(more: true)) : .end
                case .failed:
                    error = records.failure
                    state = .broken
                    return filled > 0 ? .bytes(filled, more: socket.noteExternalRead(more: true)) : .failed(EPROTO)
                }
            }
        }
    }
}
