// SPDX-License-Identifier: Apache-2.0

/// Why there is no response from the app, or no complete one.
package enum UpstreamLoss: Equatable, Sendable {
    /// No connection could be made.
    case unreachable
    /// A connection could not be encrypted, or the app's certificate was not accepted.
    case notSecured
    /// Connecting took too long.
    case connectTimeout
    /// All connections are in use, and none became free in time.
    case overloaded
    /// The connection ended. `wasReused`: it had served before, and no byte of this response had arrived.
    case closed(wasReused: Bool)
    /// The app ended the stream, and only the stream.
    case reset(StreamEnd)
    /// The app reports that it has not processed the request.
    case refused
    /// The response did not arrive in time.
    case responseTimeout
    /// Not a valid response.
    case malformed
}
