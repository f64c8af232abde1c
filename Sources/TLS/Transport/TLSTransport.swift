// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Glibc
import Reactor

/// An encrypted stream over a socket. libssl performs the handshake, reading and writing the socket itself; a server's
/// TLS 1.3 connection then continues without it (``RecordStream``), any other with it.
@safe
package final class TLSTransport: Transport, TransportOwner {
    enum Role {
        case client(ClientCredentials, TLSTarget)
        /// The credentials in use when the connection was accepted; the handshake reads them.
        case server(ServerCredentials)
    }

    enum State {
        case idle, handshaking, open
        /// Ended by an error; can only be closed.
        case broken
        case closed
    }

    let role: Role
    let socket: SocketTransport
    /// The owned `SSL`; nil once closed, and when `records` has taken over.
    var ssl: OpaquePointer?
    var records: RecordStream?
    /// The secrets for the keys of `records`; collected during the handshake.
    var secrets = TrafficSecrets()
    /// The socket as libssl sees it; lives as long as `ssl`.
    let bytes: UnsafeMutablePointer<sidegate_tls_socket>
    var state = State.idle
    private var completion: ((TLSError?) -> Void)?
    private var deadline: LoopTimer?
    private var ownerAwaitsWritable = false
    /// Reading must wait for room to write (TLS itself owes the peer a message).
    var readAwaitsWritable = false
    /// close_notify is to be sent and did not fit.
    private var endAwaitsWritable = false
    private var pace: HandshakePace?
    private var isWaitingForTurn = false
    /// Reads that delivered bytes, by libssl.
    private var deliveries: UInt64 = 0
    /// The result of the handshake.
    var agreed: (protocolName: String?, isResumed: Bool)?
    /// The server has asked for a certificate. With TLS 1.3 it judges the answer after the handshake of this side.
    package internal(set) var isCertificateRequested = false
    /// The error that broke the connection.
    package internal(set) var error: TLSError?

    /// Connects to `host` over a connected socket that is used exclusively from here on; if this throws, the caller
    /// keeps it.
    ///
    /// - Parameters:
    ///   - host: the name or address that the certificate must be for, unless the context names another.
    ///   - port: sessions are stored for each name and port.
    package convenience init(
        client socket: SocketTransport, _ context: TLSClientContext, host: String, port: UInt16 = 0
    ) throws(TLSError) {
        let credentials = context.current
        let target = TLSTarget(name: credentials.name(for: host), port: port)
        let ssl = unsafe try Self.make(credentials.context)
        guard unsafe credentials.prepare(ssl, target) else {
            unsafe SSL_free(ssl)
            throw .configuration("this is not a valid name for a certificate: \(target.name)")
        }
        unsafe try self.init(socket, .client(credentials, target), ssl)
    }

    /// Accepts a client over a socket that is used exclusively from here on; if this throws, the caller keeps it.
    ///
    /// - Parameter pace: nil: the handshake continues whenever possible.
    package convenience init(
        server socket: SocketTransport, _ context: TLSServerContext, pace: HandshakePace? = nil
    ) throws(TLSError) {
        let credentials = context.current
        let ssl = unsafe try Self.make(credentials.fallback)
        unsafe SSL_set_accept_state(ssl)
        unsafe try self.init(socket, .server(credentials), ssl)
        self.pace = pace
    }

    /// Takes over `ssl`.
    private init(_ socket: SocketTransport, _ role: Role, _ ssl: OpaquePointer) throws(TLSError) {
        guard let method = unsafe SocketMethod.shared.pointer, let descriptor = socket.descriptorInUse,
            let bytes = unsafe sidegate_tls_attach(ssl, method, descriptor)
        else {
            unsafe SSL_free(ssl)
            throw .configuration("no memory for a connection")
        }
        self.role = role
        self.socket = socket
        unsafe self.ssl = ssl
        unsafe self.bytes = bytes
        super.init(loop: socket.loop)
        unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        // Bytes that follow a server's handshake must then still be in the socket.
        if case .client = role { unsafe sidegate_ssl_set_read_ahead(ssl, 1) }
        socket.owner = self
    }

    deinit {
        unsafe SSL_free(ssl)
    }

    private static func make(_ context: ContextPointer) throws(TLSError) -> OpaquePointer {
        ErrorQueue.empty()
        guard let ssl = unsafe SSL_new(context.pointer) else { throw .configuration(ErrorQueue.takeText()) }
        return unsafe ssl
    }

    /// The transport whose connection this is, for libssl's callbacks.
    static func owner(of ssl: OpaquePointer) -> TLSTransport? {
        guard let pointer = unsafe SSL_get_ex_data(ssl, 0) else { return nil }
        return unsafe Unmanaged<TLSTransport>.fromOpaque(pointer).takeUnretainedValue()
    }

    // MARK: The handshake

    /// Begins; `completion` is called once, on the loop, with nil if the connection is open, and not after a close.
    /// Until then the transport must not be read or written.
    package func handshake(timeout: Nanoseconds, _ completion: @escaping (TLSError?) -> Void) {
        guard state == .idle else { return }
        state = .handshaking
        self.completion = completion
        // The timer keeps the transport alive until the handshake has ended.
        let timer = loop.makeTimer { [self] in handshakeEnded(.timeout) }
        deadline = timer
        timer.set(loop.now.advanced(by: timeout))
        // A client sends first; a server is notified when bytes arrive.
        if case .client = role { loop.afterEvent { [self] in proceed() } }
    }

    private func proceed() {
        guard state == .handshaking, !isWaitingForTurn else { return }
        if let pace, !pace.mayProceed(self) {
            isWaitingForTurn = true
            return
        }
        continueHandshake()
    }

    /// Continues the handshake when its turn has come.
    func proceedInTurn() {
        isWaitingForTurn = false
        continueHandshake()
    }

    private func continueHandshake() {
        guard state == .handshaking, let ssl = unsafe ssl else { return }
        ErrorQueue.empty()
        let result = unsafe SSL_do_handshake(ssl)
        guard result != 1 else { return handshakeEnded(nil) }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: socket.noteExternalRead(more: false)
        case SSL_ERROR_WANT_WRITE: socket.awaitWritable()
        default: handshakeEnded(unsafe takeFailure(ssl))
        }
    }

    private func handshakeEnded(_ failure: TLSError?) {
        guard state == .handshaking else { return }
        deadline?.cancel()
        deadline = nil
        pace = nil
        state = failure == nil ? .open : .broken
        error = failure
        if failure == nil { switchToOwnRecordLayer() } else { sendHeldAlert() }
        secrets = TrafficSecrets()
        let completion = completion
        self.completion = nil
        let more = failure == nil && moreWaits
        completion?(failure)
        // Bytes that arrived with the end of the handshake cause no event of their own.
        if more, state == .open, !isReadingPaused { owner?.transportReadable() }
    }

    /// The protocol negotiated by ALPN; nil if there is none.
    package override var negotiatedProtocol: String? {
        if let agreed { return agreed.protocolName }
        guard let ssl = unsafe ssl else { return nil }
        var (name, count): (UnsafePointer<UInt8>?, UInt32) = (nil, 0)
        unsafe SSL_get0_alpn_selected(ssl, &name, &count)
        guard let name = unsafe name, count > 0 else { return nil }
        return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }

    package override var isSecure: Bool { true }

    package override var peerName: String { socket.peerName }

    package override var failureReason: String? { error?.description }

    /// The version of an open connection.
    package var version: TLSVersion? {
        // Only TLS 1.3 continues without libssl.
        if records != nil { return .v13 }
        guard state == .open, let ssl = unsafe ssl else { return nil }
        return TLSVersion(rawValue: unsafe SSL_version(ssl))
    }

    /// Whether an earlier session was resumed.
    package var isResumed: Bool {
        if let agreed { return agreed.isResumed }
        guard let ssl = unsafe ssl else { return false }
        return unsafe SSL_session_reused(ssl) == 1
    }

    // MARK: Reading

    package override func read(into buffer: ReceiveBuffer, boundFor sink: Transport? = nil) -> ReadOutcome {
        guard state == .open else { return .failed(state == .broken ? EPROTO : EBADF) }
        if let records { return read(records, into: buffer, boundFor: sink) }
        guard let ssl = unsafe ssl else { return .failed(EBADF) }
        var filled = 0
        var end = min(ReceiveBuffer.usualRead, buffer.capacity)
        var sink = sink
        ErrorQueue.empty()
        while true {
            var count = 0
            let result = unsafe buffer.fill(from: filled, to: end) { Int(unsafe SSL_read_ex(ssl, $0, $1, &count)) }
            guard result == 1 else { return unsafe readNothing(ssl, after: filled) }
            filled += count
            deliveries &+= 1
            guard moreWaits else { return .bytes(filled, more: false) }
            guard filled == end else { continue }
            guard let target = sink else { return .bytes(filled, more: true) }
            end = min(mostToRead(boundFor: target), buffer.capacity)
            sink = nil
            guard end > filled else { return .bytes(filled, more: true) }
        }
    }

    /// After a read that found nothing more. What libssl holds then is a part of a record, the one after the last that
    /// it delivered.
    package override var openRecord: UInt64? {
        if let records { return records.openRecord }
        guard state == .open, let ssl = unsafe ssl, unsafe SSL_has_pending(ssl) == 1 else { return nil }
        return deliveries
    }

    package override var mayHaveUnread: Bool { socket.mayHaveUnread }

    /// Whether bytes may be available in libssl or in the socket.
    private var moreWaits: Bool {
        // Unknown before the first read.
        guard let ssl = unsafe ssl else { return socket.noteExternalRead(more: records != nil) }
        return socket.noteExternalRead(more: unsafe SSL_has_pending(ssl) == 1 || bytes.pointee.is_empty == 0)
    }

    func takeFailure(_ ssl: OpaquePointer) -> TLSError {
        let name = if case .client(_, let target) = role { target.name } else { "" }
        return unsafe ErrorQueue.takeFailure(of: ssl, systemError: bytes.pointee.error, name: name)
    }

    package override func pauseReading() {
        guard !isReadingPaused else { return }
        super.pauseReading()
        socket.pauseReading()
    }

    package override func resumeReading() {
        guard isReadingPaused else { return }
        super.resumeReading()
        socket.resumeReading()
    }

    // MARK: Writing

    /// The capacity of the socket, less the overhead of each record.
    package override var queuedBytes: Int { socket.queuedBytes }

    package override var writeRoom: Int {
        let room = socket.writeRoom
        return max(0, room - (room / Self.recordSize + 1) * Self.recordOverhead)
    }

    /// Bytes that were not taken must be passed first, and unchanged, in the next write: some may be encrypted already.
    package override func write(
        _ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>
    ) -> WriteOutcome {
        guard state == .open else { return .failed(state == .broken ? EPROTO : EBADF) }
        if let records {
            let outcome = loop.withReceiveBuffer { records.write(first, second, third, by: $0) { writeRoom } }
            if case .failed = outcome { (error, state) = (records.failure, .broken) }
            return outcome
        }
        guard let ssl = unsafe ssl else { return .failed(EBADF) }
        ErrorQueue.empty()
        let total = first.count + second.count + third.count
        var taken = 0
        while taken < total {
            let size = min(total - taken, Self.recordSize)
            let outcome: Int?
            // A record from one piece is encrypted in place; pieces that share a record are first joined.
            if taken + size <= first.count {
                outcome = unsafe encrypt(ssl, first.extracting(taken..<taken + size))
            } else if taken >= first.count, taken + size <= first.count + second.count {
                let start = taken - first.count
                outcome = unsafe encrypt(ssl, second.extracting(start..<start + size))
            } else {
                outcome = loop.withReceiveBuffer { scratch in
                    var (place, skip) = (0, taken)
                    append(first, to: scratch, &place, &skip, limit: size)
                    append(second, to: scratch, &place, &skip, limit: size)
                    append(third, to: scratch, &place, &skip, limit: size)
                    return scratch.read(place) { unsafe encrypt(ssl, $0) }
                }
            }
            guard let outcome else { return .failed(EPROTO) }
            if outcome == 0 { break }
            taken += outcome
        }
        return .wrote(taken)
    }

    package override func awaitWritable() {
        ownerAwaitsWritable = true
        socket.awaitWritable()
    }

    // MARK: The end

    package override func shutDownWriting() {
        if state == .open, let records, !records.sendEnd() {
            endAwaitsWritable = true
            return socket.awaitWritable()
        }
        guard state == .open, let ssl = unsafe ssl else {
            endAwaitsWritable = false
            return socket.shutDownWriting()
        }
        ErrorQueue.empty()
        let result = unsafe SSL_shutdown(ssl)
        if result < 0, unsafe SSL_get_error(ssl, result) == SSL_ERROR_WANT_WRITE {
            endAwaitsWritable = true
            return socket.awaitWritable()
        }
        ErrorQueue.empty()
        endAwaitsWritable = false
        socket.shutDownWriting()
    }

    package override func close(abruptly: Bool = false) {
        guard state != .closed else { return }
        // The alert reports the error: it must arrive, whatever the peer has sent meanwhile.
        let lingers = state == .broken && !abruptly && error?.isAnsweredByAlert == true
        if state == .open, !abruptly {
            // close_notify proves that nothing is missing. It is omitted if there is no room for it, or if data is
            // still pending.
            if let records, records.unsentData == 0 { _ = records.sendEnd() }
            if let ssl = unsafe ssl {
                ErrorQueue.empty()
                _ = unsafe SSL_shutdown(ssl)
                ErrorQueue.empty()
            }
        }
        state = .closed
        deadline?.cancel()
        deadline = nil
        completion = nil
        owner = nil
        let unsent = records?.unsent ?? []
        records = nil
        let ssl = unsafe ssl
        unsafe self.ssl = nil
        unsafe SSL_free(ssl)
        if lingers { socket.closeLingering(sending: unsent) } else { socket.close(abruptly: abruptly) }
    }

    // MARK: Events of the socket

    package func transportReadable() {
        if state == .handshaking { proceed() } else { owner?.transportReadable() }
    }

    package func transportWritable() {
        if state == .handshaking { return proceed() }
        if endAwaitsWritable { shutDownWriting() }
        if readAwaitsWritable {
            readAwaitsWritable = false
            if !isReadingPaused { owner?.transportReadable() }
        }
        guard ownerAwaitsWritable else { return }
        ownerAwaitsWritable = false
        owner?.transportWritable()
    }

    package func transportPeerClosed(failed: Bool) {
        owner?.transportPeerClosed(failed: failed)
    }

    /// The maximum content of a record (RFC 8446 §5.1), and its overhead.
    private static let recordSize = 16384
    private static let recordOverhead = 32
}

/// The owner of the `BIO_METHOD` by which libssl uses Sidegate's sockets.
@safe
private final class SocketMethod: @unchecked Sendable {
    // Sendable: never changed after it was made, and never freed: it serves every connection of the process.
    let pointer: OpaquePointer?

    static let shared = SocketMethod()

    private init() {
        unsafe pointer = sidegate_tls_make_method()
    }
}
