// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import HTTP1
import HTTP2

/// What the HTTP/2 connections of one worker to an app share.
final class HTTP2UpstreamShared {
    private(set) var memory: SessionMemory
    private(set) var limits: HTTP1Limits
    /// Reads one complete head at a time.
    private var parser: ResponseParser
    private var spareHead = ResponseHead()

    init(_ limits: ConnectionLimits, _ leniency: ResponseLeniency, memory: SessionMemory) {
        self.memory = memory
        self.limits = limits.message
        parser = ResponseParser(limits: limits.message, leniency: leniency)
    }

    var headLimits: HeadLimits { HeadLimits(bytes: limits.headBytes, fields: limits.fields) }

    /// Reads a head in which the session found no fault, and passes it to `body`; returns the fault if it has one after
    /// all.
    func withHead(
        _ text: [UInt8], _ method: Method, _ body: (inout ResponseHead, TolerationSet) -> Void
    ) -> HTTP1Error? {
        // Another head may be read before `body` returns.
        var head = ResponseHead()
        swap(&head, &spareHead)
        defer {
            head.reset()
            swap(&head, &spareHead)
        }
        do throws(HTTP1Error) {
            parser.reset()
            let progress = try parser.parseHead(text.span, into: &head, requestMethod: method)
            guard progress.isComplete, progress.consumed == text.count else { return .cutShort }
        } catch {
            return error
        }
        body(&head, parser.tolerated)
        return nil
    }

    /// Requests at a time on one connection, even if the app would take more.
    static let maximumStreams = 128
}
