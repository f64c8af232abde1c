// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// The other end of a client's connection, as the gate and the log know it.
struct Peer {
    let address: IPAddress?
    /// For the log; `unix` for a unix socket.
    let text: [UInt8]
    /// Its X-Forwarded-* fields are trusted.
    let isTrusted: Bool
    let localPort: UInt16?
    /// The client's own connection is encrypted.
    private(set) var isSecure: Bool

    /// The same over TLS.
    var secured: Peer {
        var copy = self
        copy.isSecure = true
        return copy
    }

    init(_ socketAddress: SocketAddress?, localPort: UInt16?, trusted: [CIDR]) {
        let address: IPAddress? =
            switch socketAddress?.kind {
            case .v4(let bits, _): IPAddress(v4: bits)
            case .v6(let high, let low, _, _): IPAddress(high: high, low: low)
            case .unix, .none: nil
            }
        self.address = address
        self.localPort = localPort
        isSecure = false
        text = address.map { Array($0.description.utf8) } ?? Array("unix".utf8)
        isTrusted = address.map { address in trusted.contains { $0.contains(address) } } ?? false
    }

    /// The client that `proxy` names. The proxy forwards bytes, not requests: X-Forwarded-* fields in them come from the
    /// client, not from the proxy.
    init(_ header: ProxyProtocolHeader, from proxy: Peer, trusted: [CIDR]) {
        switch header {
        case .local:
            address = proxy.address
            text = proxy.text
            localPort = proxy.localPort
            isSecure = false
            isTrusted = false
        case .client(let client, let port, let isSecure):
            address = client
            text = Array(client.description.utf8)
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
