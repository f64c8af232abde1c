// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import Reactor

/// Memory that the connections of a worker share, and text that is the same for all of them.
extension Worker {
    func makeExchange() -> Exchange {
        spareExchanges.popLast() ?? Exchange(worker: self)
    }

    func recycle(_ exchange: Exchange) {
        // The object may still be in use further up the call stack, but nothing there reads it any more.
        guard spareExchanges.count < Self.maximumSpares, exchange.request.bytes.capacity <= Self.spareCapacity else {
            return
        }
        spareExchanges.append(exchange)
    }

    /// Memory for an output queue that has none.
    func takeBuffer(instead current: consuming [UInt8]) -> [UInt8] {
        if current.capacity > 0 { return current }
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

    /// Calls `body` with what follows a chunk's content: its end, and the last chunk when the message ends.
    func withChunkTail(content: Int, isEnd: Bool, trailers: [UInt8], _ body: (Span<UInt8>) -> Void) {
        guard isEnd else { return content > 0 ? body(Self.chunkEnd.span) : body(Span()) }
        if trailers.isEmpty { return body(content > 0 ? Self.chunkEndAndLast.span : Self.lastChunk.span) }
        var tail: [UInt8] = []
        if content > 0 { ChunkEncoder.chunkEnd(into: &tail) }
        ChunkEncoder.lastChunk(trailers: trailers, into: &tail)
        body(tail.span)
    }

    /// Of trailers that came otherwise than in chunks: those that may pass, as HTTP/1.1's decoder knows them.
    func filtered(trailers: [UInt8]) -> [UInt8] {
        var decoder = BodyDecoder(.chunked, limits: limits.message)
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
        }
        return dateBytes
    }

    /// The whole line, with CRLF.
    var dateLine: [UInt8] {
        _ = date
        return dateLineBytes
    }

    private static let maximumSpares = 256
    private static let spareCapacity = 16384
    private static let chunkEnd: [UInt8] = [13, 10]
    private static let lastChunk: [UInt8] = [0x30, 13, 10, 13, 10]
    private static let chunkEndAndLast: [UInt8] = [13, 10, 0x30, 13, 10, 13, 10]
}
