// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import HTTP2
import Reactor

/// Memory that the connections of a loop share, and text that is the same for all of them.
final class LoopMemory {
    private(set) var loop: EventLoop
    /// Of the HTTP/2 sessions, with clients as with apps.
    private(set) lazy var http2 = SessionMemory()
    private var spareBuffers: [[UInt8]] = []
    private var dateSecond = -1.0
    private var dateBytes: [UInt8] = []
    private var dateLineBytes: [UInt8] = []
    private var lastDateLineBytes: [UInt8] = []

    init(_ loop: EventLoop) {
        self.loop = loop
    }

    // MARK: Buffers

    /// Memory for an output queue.
    func takeBuffer() -> [UInt8] {
        if let buffer = spareBuffers.popLast() { return buffer }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(4096)
        return buffer
    }

    func recycleBuffer(_ buffer: inout [UInt8]) {
        guard buffer.capacity > 0 else { return }
        if spareBuffers.count < Self.maximumSpares, buffer.capacity <= Self.spareCapacity {
            var spare: [UInt8] = []
            swap(&spare, &buffer)
            spare.removeAll(keepingCapacity: true)
            spareBuffers.append(spare)
        } else {
            buffer = []
        }
    }

    // MARK: Text

    /// Calls `body` with what follows a chunk's content: its end, and the last chunk when the message ends.
    func withChunkTail(content: Int, isEnd: Bool, trailers: [UInt8], _ body: (Span<UInt8>) -> Void) {
        guard isEnd else { return content > 0 ? body(Self.chunkEnd.span) : body(Span()) }
        if trailers.isEmpty { return body(content > 0 ? Self.chunkEndAndLast.span : Self.lastChunk.span) }
        var tail: [UInt8] = []
        if content > 0 { ChunkEncoder.chunkEnd(into: &tail) }
        ChunkEncoder.lastChunk(trailers: trailers, into: &tail)
        body(tail.span)
    }

    /// Trailers that did not arrive in chunks, without those that must not pass: HTTP/1.1's decoder knows the rules.
    static func filtered(trailers: [UInt8], _ limits: HTTP1Limits) -> [UInt8] {
        guard !trailers.isEmpty else { return [] }
        var decoder = BodyDecoder(.chunked, limits: limits)
        let text = Array("0\r\n".utf8) + trailers + Array("\r\n".utf8)
        guard let piece = try? decoder.decode(text.span), piece.isEnd else { return [] }
        return decoder.trailers
    }

    /// The Date field's value, made once for each second.
    var date: [UInt8] {
        let second = loop.wallClock.rounded(.down)
        if second != dateSecond {
            dateSecond = second
            dateBytes = HTTPDate.bytes(second)
            dateLineBytes = Array("Date: ".utf8) + dateBytes + Array("\r\n".utf8)
            lastDateLineBytes = dateLineBytes + Array("\r\n".utf8)
        }
        return dateBytes
    }

    /// The whole line, with CRLF.
    var dateLine: [UInt8] {
        _ = date
        return dateLineBytes
    }

    /// The same as the last line of a head, with the empty line after it.
    var lastDateLine: [UInt8] {
        _ = date
        return lastDateLineBytes
    }

    /// Objects and buffers that a loop keeps for later use, of each kind.
    static let maximumSpares = 256
    /// Larger memory is not kept.
    static let spareCapacity = 16384
    private static let chunkEnd: [UInt8] = [13, 10]
    private static let lastChunk: [UInt8] = [0x30, 13, 10, 13, 10]
    private static let chunkEndAndLast: [UInt8] = [13, 10, 0x30, 13, 10, 13, 10]
}
