// SPDX-License-Identifier: Apache-2.0

import Configuration
import Reactor

extension ListenAddress {
    /// Its sockets.
    func sources(_ inherited: InheritedSockets) throws(ServiceError) -> [ListenSource] {
        if case .redirect(let address) = self { return try address.sources(inherited).map { .redirecting($0) } }
        guard case .inherited(let name) = self else { return try resolved().map { .open($0) } }
        let descriptors = inherited.descriptors(named: name)
        guard !descriptors.isEmpty else {
            throw ServiceError(
                "`listen`: no socket was inherited for \(self). Start the service with its socket unit"
                    + (name.isEmpty ? "." : ", with FileDescriptorName=\(name).") + " Or write host:port.")
        }
        return descriptors.map { .inherited(descriptor: $0) }
    }

    /// Its socket addresses; none for inherited sockets.
    func resolved() throws(ServiceError) -> [SocketAddress] {
        switch self {
        case .inherited: return []
        case .redirect(let address): return try address.resolved()
        case .unix(let path): return [.unix(path)]
        case .tcp(let host, let port):
            if host.isEmpty { return [.v6(high: 0, low: 0, port: port)] }
            if let literal = SocketAddress(literal: host, port: port) { return [literal] }
            switch Resolver.systemLookUp(host, port) {
            case .addresses(let addresses): return addresses
            case .failure(let reason):
                throw ServiceError(
                    "`listen`: the host \(host) has no address (\(reason)). Write an address of this machine.")
            }
        }
    }
}
