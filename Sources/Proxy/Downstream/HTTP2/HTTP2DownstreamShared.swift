// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import HTTP2

/// What the HTTP/2 connections of one worker share.
final class HTTP2DownstreamShared {
    private(set) var memory: SessionMemory
    private(set) var configuration: SessionConfiguration
    private(set) var limits: HTTP1Limits
    /// Reads one complete head at a time.
    private var parser: RequestParser

    init(_ limits: ConnectionLimits, memory: SessionMemory) {
        self.memory = memory
        self.limits = limits.message
        configuration = SessionConfiguration(
            maximumStreams: limits.http2.maxConcurrentStreams,
            head: HeadLimits(bytes: limits.message.headBytes, fields: limits.message.fields))
        parser = RequestParser(limits: limits.message)
    }

    /// Reads the head whose text `request` holds.
    func read(_ request: inout RequestHead) throws(HTTP1Error) {
        try parser.readWhole(&request)
    }
}
