// SPDX-License-Identifier: Apache-2.0

import HTTP1
import HTTP2

/// What the HTTP/2 connections of one worker to the app share.
final class HTTP2UpstreamShared {
    let memory: SessionMemory
    let head: HeadLimits
    /// Reads heads that are whole, one at a time.
    var parser: ResponseParser
    /// For a request's head on its way out.
    var text: [UInt8] = []

    init(_ limits: ConnectionLimits, memory: SessionMemory) {
        self.memory = memory
        head = HeadLimits(bytes: limits.message.headBytes, fields: limits.message.fields)
        parser = ResponseParser(limits: limits.message)
    }

    /// Requests at a time on one connection, however many the app would take.
    static let maximumStreams = 128
}
