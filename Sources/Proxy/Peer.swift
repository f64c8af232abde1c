// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// The other end of a browser's connection, as the gate and the log know it.
struct Peer {
    let address: IPAddress?
    /// For the log; `unix` for a unix socket.
    let text: [UInt8]
    let isTrusted: Bool
    let localPort: UInt16?

    init(_ socketAddress: SocketAddress?, localPort: UInt16?, trusted: [CIDR]) {
        let address: IPAddress? =
            switch socketAddress?.kind {
            case .v4(let bits, _): IPAddress(v4: bits)
            case .v6(let high, let low, _, _): IPAddress(high: high, low: low)
            case .unix, .none: nil
            }
        self.address = address
        self.localPort = localPort
        text = address.map { Array($0.description.utf8) } ?? Array("unix".utf8)
        isTrusted = address.map { address in trusted.contains { $0.contains(address) } } ?? false
    }

    func context(_ now: Double) -> RequestContext {
        RequestContext(peer: address, isSecure: false, isTrustedPeer: isTrusted, localPort: localPort, now: now)
    }
}
