// SPDX-License-Identifier: Apache-2.0

/// Why one side ended a message before it was complete, in terms that every version of HTTP can express.
package enum StreamEnd: Equatable, Sendable {
    /// The app, the connection to it or the proxy failed.
    case failed
    /// The message is no longer wanted.
    case cancelled
    /// The connection of a tunnel failed.
    case connectFailed
    /// The peer sent too much.
    case excessive

    /// The status, in decimal, of a gRPC call whose response had not begun: as gRPC itself reads the code of HTTP/2,
    /// and never UNAVAILABLE, after which clients repeat calls that the app may have carried out.
    var statusOfGRPC: String {
        switch self {
        case .cancelled: "1"
        case .excessive: "8"
        case .failed, .connectFailed: "13"
        }
    }
}
