// SPDX-License-Identifier: Apache-2.0

/// `http2`
package struct HTTP2Settings: Sendable {
    package var isEnabled: Bool
    package var maxConcurrentStreams: Int
}
