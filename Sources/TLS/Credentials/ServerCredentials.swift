// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Cryptography
import Reactor

/// A server's certificates, with one context for each group of names; immutable.
final class ServerCredentials: Sendable {
    let identities: [TLSIdentity]
    let ticketKeys: TicketKeys
    /// For clients without SNI, or with a name that no certificate has.
    let fallback: ContextPointer
    private let exact: [String: ContextPointer]
    /// Keyed by the part after `*.`.
    private let wildcard: [String: ContextPointer]
    fileprivate let protocols: ProtocolList

    init(_ configuration: TLSServerConfiguration, _ ticketKeys: TicketKeys) throws(TLSError) {
        guard let first = configuration.identities.first else { throw .configuration("there is no certificate") }
        identities = configuration.identities
        self.ticketKeys = ticketKeys
        protocols = ProtocolList(configuration.protocols)
        var groups: [String: [Int]] = [:]
        var order: [String] = []
        for (index, identity) in identities.enumerated() {
            for name in identity.chain.names {
                if groups[name] == nil { order.append(name) }
                let taken = groups[name, default: []]
                // One of each key type: the client states which it can verify.
                if taken.contains(where: { configuration.identities[$0].kind == identity.kind }) { continue }
                groups[name] = taken + [index]
            }
        }
        let fallbackGroup = first.chain.names.first.flatMap { groups[$0] } ?? [0]
        var contexts: [[Int]: ContextPointer] = [:]
        for group in [fallbackGroup] + order.compactMap({ groups[$0] }) where contexts[group] == nil {
            contexts[group] = try Self.context(group.map { configuration.identities[$0] }, configuration, ticketKeys)
        }
        guard let fallback = contexts[fallbackGroup] else { throw .configuration("there is no certificate") }
        self.fallback = fallback
        var (exact, wildcard): ([String: ContextPointer], [String: ContextPointer]) = ([:], [:])
        for name in order {
            guard let context = groups[name].flatMap({ contexts[$0] }) else { continue }
            if name.hasPrefix("*.") { wildcard[String(name.dropFirst(2))] = context } else { exact[name] = context }
        }
        (self.exact, self.wildcard) = (exact, wildcard)
        if contexts.count > 1 { unsafe SSL_CTX_set_client_hello_cb(fallback.pointer, helloReceived, nil) }
    }

    func context(for name: String) -> ContextPointer {
        let name = name.lowercased()
        if let context = exact[name] { return context }
        // One label, as in RFC 9525 §6.3.
        guard let dot = name.firstIndex(of: "."), dot > name.startIndex else { return fallback }
        return wildcard[String(name[name.index(after: dot)...])] ?? fallback
    }

    private static func context(
        _ identities: [TLSIdentity], _ configuration: TLSServerConfiguration, _ ticketKeys: TicketKeys
    ) throws(TLSError) -> ContextPointer {
        let context = try ContextPointer(isServer: true, minimum: configuration.minimumVersion, protocols: [])
        let pointer = unsafe context.pointer
        for identity in identities { try context.use(identity) }
        unsafe SSL_CTX_set_alpn_select_cb(pointer, protocolsOffered, nil)
        unsafe SSL_CTX_set_keylog_callback(pointer, secretMade)
        // SSL_SESS_CACHE_OFF: sessions are stored in the clients' tickets.
        unsafe sidegate_ssl_ctx_set_cache_mode(pointer, 0)
        unsafe SSL_CTX_set_timeout(pointer, Int(ticketKeys.lifetime.seconds))
        // Each resumed connection gets a new ticket, so one at a time is enough.
        unsafe SSL_CTX_set_num_tickets(pointer, 1)
        unsafe sidegate_ssl_ctx_set_ticket_callback(pointer, ticketHandled)
        // A session is resumed only if this identifier is equal: not for the names of other certificates (RFC 6066 §3),
        // nor from a time with other client authorities, or none.
        var identifier = Array(Set(identities.flatMap(\.chain.names)).sorted().joined(separator: " ").utf8)
        if configuration.clientAuthentication != .none {
            guard let authorities = configuration.clientAuthorities else {
                throw .configuration(
                    "client certificates are requested, but there is no client authority to verify them")
            }
            try context.trust(authorities)
            unsafe authorities.withPointers { certificates in
                unsafe certificates.forEach { _ = unsafe SSL_CTX_add_client_CA(pointer, $0) }
            }
            let isRequired = configuration.clientAuthentication == .require
            let mode = SSL_VERIFY_PEER | (isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
            unsafe SSL_CTX_set_verify(pointer, mode, nil)
            identifier += [0, UInt8(truncatingIfNeeded: mode)] + authorities.fingerprint
        }
        let digest = SHA256.hash(identifier.span)
        _ = unsafe digest.withUnsafeBufferPointer {
            unsafe SSL_CTX_set_session_id_context(pointer, $0.baseAddress, UInt32($0.count))
        }
        unsafe sidegate_ssl_ctx_set_server_name_callback(pointer, nameHeard, nil)
        return context
    }
}

/// The ClientHello has arrived, and nothing is decided yet: selects the certificate, and with it which sessions may be
/// resumed.
private let helloReceived: SSL_client_hello_cb_fn = { ssl, _, _ in
    guard let ssl = unsafe ssl, let transport = unsafe TLSTransport.owner(of: ssl),
        case .server(let credentials) = transport.role
    else { return SSL_CLIENT_HELLO_ERROR }
    var (bytes, count): (UnsafePointer<UInt8>?, Int) = (nil, 0)
    guard unsafe SSL_client_hello_get0_ext(ssl, UInt32(TLSEXT_TYPE_server_name), &bytes, &count) == 1,
        let name = unsafe ServerNameExtension.name(UnsafeBufferPointer(start: bytes, count: count))
    else { return SSL_CLIENT_HELLO_SUCCESS }
    let context = credentials.context(for: name)
    if context !== credentials.fallback, unsafe SSL_set_SSL_CTX(ssl, context.pointer) == nil {
        return SSL_CLIENT_HELLO_ERROR
    }
    return SSL_CLIENT_HELLO_SUCCESS
}

/// Acknowledges the client's server name.
private let nameHeard:
    @convention(c) (OpaquePointer?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?) -> Int32 = { _, _, _ in
        SSL_TLSEXT_ERR_OK
    }

/// The Server Name Indication (RFC 6066 §3): a list with one host name.
enum ServerNameExtension {
    /// Nil if there is none; libssl rejects a malformed one later.
    static func name(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        // The list's length, the entry's kind (0: host name) and length, the name.
        guard bytes.count > 5, unsafe bytes[2] == 0 else { return nil }
        let count = Int(unsafe bytes[3]) << 8 | Int(unsafe bytes[4])
        guard 1...255 ~= count, bytes.count >= 5 + count else { return nil }
        return unsafe String(decoding: bytes[5..<5 + count], as: UTF8.self)
    }
}

/// The client offers protocols; without a common one the connection ends, so that the bytes of one protocol are not
/// read as another (RFC 7301 §3.2).
private let protocolsOffered:
    @convention(c) (
        OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?,
        UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
    ) -> Int32 = { ssl, selected, count, offer, offerCount, _ in
        guard let ssl = unsafe ssl, let transport = unsafe TLSTransport.owner(of: ssl),
            case .server(let credentials) = transport.role, let offer = unsafe offer,
            let place = unsafe credentials.protocols.preferred(
                among: UnsafeBufferPointer(start: offer, count: Int(offerCount)))
        else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        unsafe selected?.pointee = offer + place.lowerBound
        unsafe count?.pointee = UInt8(place.count)
        return SSL_TLSEXT_ERR_OK
    }
