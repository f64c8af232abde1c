// SPDX-License-Identifier: Apache-2.0

/// The client of a request, as its lines name it.
struct LoggedClient: Sendable {
    /// Behind the trusted proxies.
    let address: [UInt8]
    /// The connection's address; empty if it is the client's.
    let peer: [UInt8]

    init(address: [UInt8], connection: [UInt8]) {
        self.address = address
        peer = address == connection ? [] : connection
    }
}
