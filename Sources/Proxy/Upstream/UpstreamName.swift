// SPDX-License-Identifier: Apache-2.0

/// What an app is called in the log: its address, written out once for all requests.
final class UpstreamName: Sendable {
    private let place: UpstreamConfiguration.Endpoint
    private let text: [UInt8]

    init(_ endpoint: UpstreamConfiguration.Endpoint) {
        place = endpoint
        text = Array(endpoint.description.utf8)
    }

    var endpoint: UpstreamConfiguration.Endpoint { place }

    /// As it is written.
    var bytes: [UInt8] { text }
}

extension UpstreamConfiguration.Endpoint: CustomStringConvertible {
    package var description: String {
        switch self {
        case .host(let host, let port): (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
