// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP

/// The result of one call of a body decoder.
package struct BodyPiece: Equatable, Sendable {
    /// Bytes of the input that were read: content and framing.
    package let consumed: Int
    /// The position of the content in the input, at or before `consumed`; may be empty.
    package let content: Range<Int>
    /// Whether the message ends with this piece.
    package let isEnd: Bool

    package init(consumed: Int, content: Range<Int>, isEnd: Bool) {
        self.consumed = consumed
        self.content = content
        self.isEnd = isEnd
    }
}

/// Extracts the content of one message from its framing (RFC 9112 §6, §7), in pieces of any size, without copying.
///
/// Call `decode` with the input received and not yet consumed, as long as there is any and `isEnded` is false. A call
/// with input always consumes some of it or throws; content before a fault is returned first, however the input is
/// divided. After an error, each call throws the same error.
package struct BodyDecoder: Sendable {
    private enum State: UInt8 {
        case length, untilClose
        case chunkLine, chunk, chunkCarriageReturn, chunkLineFeed
        case trailerStart, trailerlessLineFeed, trailers
        case ended, failed
    }

    private var state: State
    /// Bytes still to come, of the message in `length` and of the chunk in `chunk`; greater than 0 in both.
    private var remaining: UInt64 = 0
    private var line: ChunkLine
    /// Bytes of chunk lines that are not offset by content.
    private var overhead = 0
    /// Nil before it begins: most content has none, and a decoder is copied for each message.
    private var section: TrailerSection?
    private var leniency: ResponseLeniency
    /// What `failed` throws.
    private var failure = HTTP1Error.cutShort
    private var limits: HTTP1Limits
    /// Deviations of a response's chunks that were accepted.
    package private(set) var tolerated = TolerationSet()
    /// After the end: the trailer fields that may pass, each `Name: value\r\n`.
    package private(set) var trailers: [UInt8] = []

    /// - Parameter leniency: which deviations of a response are accepted; requests are strict.
    package init(
        _ framing: BodyFraming, limits: HTTP1Limits = HTTP1Limits(), leniency: ResponseLeniency = .strict
    ) {
        self.limits = limits
        line = ChunkLine(allowsPadding: leniency != .strict)
        self.leniency = leniency
        (state, remaining) = Self.start(of: framing)
    }

    /// Begins with another message of the same connection. In place: a new decoder would be copied for each message.
    package mutating func begin(_ framing: BodyFraming, limits: HTTP1Limits, leniency: ResponseLeniency) {
        self.limits = limits
        self.leniency = leniency
        (state, remaining) = Self.start(of: framing)
        line = ChunkLine(allowsPadding: leniency != .strict)
        overhead = 0
        if section != nil { section = nil }
        failure = .cutShort
        tolerated = TolerationSet()
        if !trailers.isEmpty { trailers = [] }
    }

    @inline(__always)
    private static func start(of framing: BodyFraming) -> (State, remaining: UInt64) {
        switch framing {
        case .none, .length(0): (.ended, 0)
        case .length(let length): (.length, length)
        case .chunked: (.chunkLine, 0)
        case .untilClose: (.untilClose, 0)
        }
    }

    /// Whether the message has ended; true from the start if it has no content.
    package var isEnded: Bool { state == .ended }

    /// How many bytes of content may pass by the decoder unread (``pass(_:)``). Of a message with a length all but the last
    /// ones, so that its end is read together with what follows it; of chunks none.
    package var passableContent: Int {
        switch state {
        case .length: remaining > Self.unpassable ? Int(clamping: remaining - Self.unpassable) : 0
        case .untilClose: .max
        default: 0
        }
    }

    /// Content was passed on unread.
    ///
    /// - Parameter count: bytes, at most ``passableContent``.
    package mutating func pass(_ count: Int) {
        precondition(0...passableContent ~= count)
        if state == .length { remaining -= UInt64(count) }
    }

    /// The next piece of content, with all surrounding framing in the input.
    package mutating func decode(_ input: Span<UInt8>) throws(HTTP1Error) -> BodyPiece {
        switch state {
        case .length:
            let content = 0..<take(input.count)
            if remaining == 0 { state = .ended }
            return BodyPiece(consumed: content.count, content: content, isEnd: remaining == 0)
        case .untilClose:
            return BodyPiece(consumed: input.count, content: 0..<input.count, isEnd: false)
        case .ended:
            return BodyPiece(consumed: 0, content: 0..<0, isEnd: true)
        case .failed:
            throw failure
        default:
            return try decodeChunked(input)
        }
    }

    /// The peer closed its side: the end of `untilClose` content; throws `.cutShort` if more was expected.
    package mutating func endOfInput() throws(HTTP1Error) {
        switch state {
        case .untilClose: state = .ended
        case .ended: return
        case .failed: throw failure
        default: throw fail(.cutShort)
        }
    }

    private mutating func fail(_ error: HTTP1Error) -> HTTP1Error {
        state = .failed
        failure = error
        return error
    }

    /// The number of bytes, at most `count`, that are content; subtracts it from what remains.
    private mutating func take(_ count: Int) -> Int {
        let taken = min(UInt64(count), remaining)
        remaining -= taken
        return Int(taken)
    }

    private mutating func decodeChunked(_ input: Span<UInt8>) throws(HTTP1Error) -> BodyPiece {
        var index = 0
        do throws(HTTP1Error) {
            try readFraming(input, &index)
        } catch {
            throw fail(error)
        }
        guard state == .chunk, index < input.count else {
            return BodyPiece(consumed: index, content: index..<index, isEnd: isEnded)
        }
        let content = index..<index + take(input.count - index)
        index = content.upperBound
        if remaining == 0 {
            state = .chunkCarriageReturn
            do throws(HTTP1Error) {
                // Read the framing after the content, so that a message's end is reported with its last piece.
                try readFraming(input, &index)
            } catch {
                // The next call throws it; there is one, since the fault is part of the unconsumed input.
                _ = fail(error)
                index = content.upperBound
            }
        }
        return BodyPiece(consumed: index, content: content, isEnd: isEnded)
    }

    /// Reads up to content, the end of the message or the end of the input.
    private mutating func readFraming(_ input: Span<UInt8>, _ index: inout Int) throws(HTTP1Error) {
        while index < input.count {
            switch state {
            case .chunkLine:
                let isLast = try line.add(input[index])
                index += 1
                guard isLast else {
                    // The most that a line could be credited with below.
                    if overhead + line.length > limits.chunkOverheadBytes + Self.grant { throw .tooMuchChunkOverhead }
                    continue
                }
                if line.isPadded { tolerated.insert(.paddedChunkSize) }
                try weigh()
                remaining = line.size
                state = remaining == 0 ? .trailerStart : .chunk
            case .chunkCarriageReturn:
                guard input[index] == ByteClass.carriageReturn else { throw .invalidChunkEnd }
                index += 1
                state = .chunkLineFeed
            case .chunkLineFeed:
                guard input[index] == ByteClass.lineFeed else { throw .invalidChunkEnd }
                index += 1
                line = line.following
                state = .chunkLine
            case .trailerStart:
                if input[index] == ByteClass.carriageReturn {
                    index += 1
                    state = .trailerlessLineFeed
                } else {
                    state = .trailers
                }
            case .trailerlessLineFeed:
                guard input[index] == ByteClass.lineFeed else { throw .bareCR }
                index += 1
                state = .ended
            case .trailers:
                var section = self.section.take() ?? TrailerSection(leniency)
                guard try section.read(input, &index, limits: limits) else {
                    self.section = section
                    continue
                }
                tolerated.formUnion(section.tolerated)
                trailers = section.sifted(limits: limits)
                state = .ended
            case .chunk, .ended, .length, .untilClose, .failed:
                return
            }
        }
    }

    /// Offsets a chunk's line against its content. Many bytes of framing for little content waste a proxy's time
    /// (CVE-2023-39326).
    private mutating func weigh() throws(HTTP1Error) {
        overhead += line.length - Self.grant
        // A chunk's size can exceed what an Int can count; 2^32 is far more than enough.
        overhead -= Int(min(line.size, 1 << 32)) * 2
        if overhead < 0 { overhead = 0 }
        if overhead > limits.chunkOverheadBytes { throw .tooMuchChunkOverhead }
    }

    private static let grant = 16
    private static let unpassable: UInt64 = 16_384
}
