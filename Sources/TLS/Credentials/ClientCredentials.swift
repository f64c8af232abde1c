// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Glibc
import Reactor
import Synchronization

/// The peer of a connection: sessions are kept for each target.
struct TLSTarget: Hashable, Sendable {
    /// A name or an address, which the certificate must be for.
    let name: String
    let port: UInt16
}

/// A client's certificate and trust store, with the sessions of its connections; immutable except for those.
final class ClientCredentials: Sendable {
    let context: ContextPointer
    let skipsVerification: Bool
    /// The certificate must be for the target's name.
    private let verifiesNames: Bool
    private let serverName: String?
    private let sessions = Mutex<[TLSTarget: [Session]]>([:])
    private let resumesSessions: Bool

    init(_ configuration: TLSClientConfiguration) throws(TLSError) {
        context = try ContextPointer(
            isServer: false, minimum: configuration.minimumVersion, protocols: configuration.protocols,
            ciphers: configuration.ciphers)
        skipsVerification = configuration.skipsVerification
        serverName = configuration.serverName
        if case .exactly = configuration.trust { verifiesNames = false } else { verifiesNames = !skipsVerification }
        resumesSessions = configuration.resumesSessions
        if !skipsVerification {
            unsafe SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, nil)
            switch configuration.trust {
            case .system: trustSystem()
            case .authorities(let authorities): try context.trust(authorities)
            case .exactly(let chain): try context.trust(leafOf: chain)
            }
        }
        if let identity = configuration.identity { try context.use(identity) }
        unsafe SSL_CTX_set_cert_cb(context.pointer, certificateRequested, nil)
        if resumesSessions {
            // SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL: sessions are stored in this object.
            unsafe sidegate_ssl_ctx_set_cache_mode(context.pointer, 0x1 | 0x300)
            unsafe SSL_CTX_sess_set_new_cb(context.pointer, sessionMade)
        }
    }

    /// The name to verify for a connection to `host`.
    func name(for host: String) -> String {
        let name = serverName ?? host
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }

    /// Prepares a new connection for its target; false if the target cannot be verified.
    func prepare(_ ssl: OpaquePointer, _ target: TLSTarget) -> Bool {
        ErrorQueue.empty()
        unsafe SSL_set_connect_state(ssl)
        let isAddress = SocketAddress(literal: target.name, port: 0) != nil
        // RFC 6066 §3: SNI contains only names, never addresses.
        if !isAddress, unsafe sidegate_ssl_set_server_name(ssl, target.name) != 1 { return false }
        if verifiesNames {
            unsafe SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            let isSet =
                isAddress
                ? unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), target.name)
                : unsafe SSL_set1_host(ssl, target.name)
            guard isSet == 1 else { return false }
        }
        guard resumesSessions, let session = takeSession(target) else { return true }
        // A session that is no longer valid is ignored, and a full handshake follows.
        _ = unsafe SSL_set_session(ssl, session.pointer)
        return true
    }

    /// The newest session with this target. TLS 1.3 sessions are used only once (RFC 8446 §C.4).
    private func takeSession(_ target: TLSTarget) -> Session? {
        sessions.withLock { sessions in
            guard let newest = sessions[target]?.last else { return nil }
            if newest.isForOneUse { sessions[target]?.removeLast() }
            return newest
        }
    }

    fileprivate func keep(_ session: Session, _ target: TLSTarget) {
        let displaced: [Session] = sessions.withLock { sessions in
            if var known = sessions[target] {
                let excess = known.prefix(max(0, known.count - Self.sessionsEach + 1))
                known.removeFirst(excess.count)
                sessions[target] = known + [session]
                return Array(excess)
            }
            let displaced = sessions.count >= Self.maximumTargets ? sessions.keys.first : nil
            defer { sessions[target] = [session] }
            return displaced.flatMap { sessions.removeValue(forKey: $0) } ?? []
        }
        // Freed outside the lock.
        withExtendedLifetime(displaced) {}
    }

    // MARK: Trust

    private func trustSystem() {
        ErrorQueue.empty()
        unsafe SSL_CTX_set_default_verify_paths(context.pointer)
        let isSet = unsafe getenv("SSL_CERT_FILE") != nil || getenv("SSL_CERT_DIR") != nil
        let hasStore =
            unsafe access(X509_get_default_cert_file(), R_OK) == 0 || access(X509_get_default_cert_dir(), R_OK) == 0
        guard !isSet, !hasStore else { return ErrorQueue.empty() }
        // libcrypto was built for another system: try the locations of other distributions.
        for path in Self.otherStores where unsafe access(path, R_OK) == 0 {
            if unsafe SSL_CTX_load_verify_file(context.pointer, path) == 1 { break }
        }
        ErrorQueue.empty()
    }

    private static let otherStores = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]
    private static let maximumTargets = 256
    /// Enough for concurrent connections.
    private static let sessionsEach = 8
}

/// The owner of one reference to an `SSL_SESSION`.
@safe
private final class Session: @unchecked Sendable {
    // Sendable: libssl copies a shared session before changing it.
    let pointer: OpaquePointer

    init(adopting pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe SSL_SESSION_free(pointer)
    }

    var isForOneUse: Bool { unsafe SSL_SESSION_get_protocol_version(pointer) >= TLS1_3_VERSION }
}

/// The server asks for a certificate; 1: the one of the context, or none.
private let certificateRequested: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { ssl, _ in
    if let ssl = unsafe ssl { unsafe TLSTransport.owner(of: ssl)?.isCertificateRequested = true }
    return 1
}

/// libssl has a session for later connections; a result of 1 takes ownership of it.
private let sessionMade: @convention(c) (OpaquePointer?, OpaquePointer?) -> Int32 = { ssl, session in
    guard let ssl = unsafe ssl, let session = unsafe session, let transport = unsafe TLSTransport.owner(of: ssl),
        case .client(let context, let target) = transport.role, unsafe SSL_SESSION_is_resumable(session) == 1
    else { return 0 }
    context.keep(unsafe Session(adopting: session), target)
    return 1
}
