// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor
import TLS

/// The addresses of a client's connection and its version of TLS, for the log: one object for all its requests.
final class PeerNames: Sendable {
    private let socketEnd: [UInt8]
    private let named: LoggedClient
    private let process: PeerCredentials?
    private let version: String

    /// - Parameters:
    ///   - address: the address, or the one that the PROXY protocol reports; `unix` for a unix socket without it.
    ///   - connection: the other end of the socket.
    ///   - credentials: of the process at the other end of a unix socket, where they are asked for.
    ///   - tls: the version of TLS; empty: none.
    init(address: [UInt8], connection: [UInt8], credentials: PeerCredentials? = nil, tls: String = "") {
        socketEnd = connection
        process = credentials
        named = LoggedClient(address: address, connection: connection)
        version = tls
    }

    /// The same over an encrypted connection.
    func secured(by version: TLSVersion?) -> PeerNames {
        PeerNames(
            address: named.address, connection: socketEnd, credentials: process, tls: version?.name ?? "")
    }

    /// The version of TLS; empty for a connection that is not encrypted.
    var tlsVersion: String { version }

    /// The client, where no trusted proxy names another one.
    var client: LoggedClient { named }

    /// The other end of the socket.
    var connection: [UInt8] { socketEnd }

    var credentials: PeerCredentials? { process }

    /// Of no connection.
    static let none = PeerNames(address: [], connection: [])
}

/// The other end of a client's connection, as the gate and the log know it.
struct Peer {
    let address: IPAddress?
    /// For the log.
    private(set) var names: PeerNames
    /// Its X-Forwarded-* fields are trusted.
    let isTrusted: Bool
    let localPort: UInt16?
    /// The client's own connection is encrypted.
    private(set) var isSecure: Bool

    /// The same over TLS.
    func secured(by version: TLSVersion?) -> Peer {
        var copy = self
        copy.isSecure = true
        copy.names = names.secured(by: version)
        return copy
    }

    init(
        _ socketAddress: SocketAddress?, localPort: UInt16?, trusted: [CIDR], credentials: PeerCredentials? = nil
    ) {
        let address: IPAddress? =
            switch socketAddress?.kind {
            case .v4(let bits, _): IPAddress(v4: bits)
            case .v6(let high, let low, _, _): IPAddress(high: high, low: low)
            case .unix, .none: nil
            }
        self.address = address
        self.localPort = localPort
        isSecure = false
        let text = address.map { Array($0.description.utf8) } ?? Array("unix".utf8)
        names = PeerNames(address: text, connection: text, credentials: credentials)
        isTrusted = address.map { address in trusted.contains { $0.contains(address) } } ?? false
    }

    /// The client that `proxy` names. The proxy forwards bytes, not requests: X-Forwarded-* fields in them come from the
    /// client, not from the proxy.
    init(_ header: ProxyProtocolHeader, from proxy: Peer, trusted: [CIDR]) {
        switch header {
        case .local:
            address = proxy.address
            names = proxy.names
            localPort = proxy.localPort
            isSecure = false
            isTrusted = false
        case .client(let client, let port, let isSecure):
            address = client
            names = PeerNames(address: Array(client.description.utf8), connection: proxy.names.connection)
            localPort = port
            self.isSecure = isSecure
            isTrusted = trusted.contains { $0.contains(client) }
        }
    }

    func context(_ now: ClockReading) -> RequestContext {
        RequestContext(
            peer: address, isSecure: isSecure, isTrustedPeer: isTrusted, localPort: localPort, now: now.wall,
            monotonic: now.monotonic)
    }
}
