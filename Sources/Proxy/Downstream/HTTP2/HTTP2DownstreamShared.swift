// SPDX-License-Identifier: Apache-2.0

import HTTP1
import HTTP2

/// What the HTTP/2 connections of one worker share.
final class HTTP2DownstreamShared {
    let memory = SessionMemory()
    let configuration: SessionConfiguration
    /// Reads heads that are whole, one at a time.
    var parser: RequestParser

    init(_ limits: ConnectionLimits) {
        configuration = SessionConfiguration(
            maximumStreams: limits.http2.maxConcurrentStreams,
            head: HeadLimits(bytes: limits.message.headBytes, fields: limits.message.fields))
        parser = RequestParser(limits: limits.message)
    }
}

/// `http2` of the config.
package struct HTTP2Configuration: Sendable {
    /// Cleartext connections may speak it by prior knowledge, encrypted ones by negotiation.
    package var isEnabled = true
    /// Requests at a time on one connection; more are refused, to be tried again (RFC 9113 §5.1.2).
    package var maxConcurrentStreams = 128

    package init() {}
}
