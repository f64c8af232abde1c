// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1

/// Reads one bounded response.
struct ResponseReader {
    private enum Phase {
        case head, body, ended
    }

    private let method: Method
    private let maximumBytes: Int
    private let leniency: ResponseLeniency
    private let readsContent: Bool
    private let readsInPart: Bool
    private var phase = Phase.head
    private var parser: ResponseParser
    private var head = ResponseHead()
    private var decoder = BodyDecoder(.none)
    private var body: [UInt8] = []
    private var informational = 0

    /// - Parameters:
    ///   - readsContent: false: the response ends with its head.
    ///   - readsInPart: content beyond `maximumBytes` is left unread.
    init(
        isHead: Bool, maximumBytes: Int, leniency: ResponseLeniency, readsContent: Bool = true,
        readsInPart: Bool = false
    ) {
        self.readsContent = readsContent
        self.readsInPart = readsInPart
        method = isHead ? .head : .get
        self.maximumBytes = max(0, maximumBytes)
        self.leniency = leniency
        parser = ResponseParser(limits: Self.limits, leniency: leniency)
    }

    /// The response, with its last byte; nil before. Further bytes are ignored: the connection is closed.
    mutating func receive(_ input: Span<UInt8>) throws(OutboundFailure) -> OutboundResponse? {
        var position = 0
        while position < input.count {
            let rest = input.extracting(position...)
            switch phase {
            case .head: position += try receiveHead(rest)
            case .body: position += try receiveBody(rest)
            case .ended: return nil
            }
            if phase == .ended { return response() }
        }
        return nil
    }

    /// The end of the connection, which may be the end of the response.
    mutating func end() throws(OutboundFailure) -> OutboundResponse {
        guard phase == .body else { throw .closed }
        do throws(HTTP1Error) {
            try decoder.endOfInput()
        } catch {
            throw .closed
        }
        phase = .ended
        return response()
    }

    /// No more comes in time.
    mutating func giveUp() -> OutboundResponse? {
        guard readsInPart, phase == .body else { return nil }
        phase = .ended
        return response()
    }

    private mutating func receiveHead(_ input: Span<UInt8>) throws(OutboundFailure) -> Int {
        let progress: HeadProgress
        do throws(HTTP1Error) {
            progress = try parser.parseHead(input, into: &head, requestMethod: method)
        } catch {
            throw error == .headTooLarge || error == .tooManyFields ? .tooLarge : .malformed(error.description)
        }
        guard progress.isComplete else { return progress.consumed }
        if head.isInformational {
            informational += 1
            guard informational <= Self.maximumInformational else { throw .malformed("too many 1xx responses") }
            parser.reset()
            return progress.consumed
        }
        guard head.status != 101 else { throw .malformed("an unexpected upgrade") }
        guard readsContent else {
            phase = .ended
            return progress.consumed
        }
        if case .length(let length) = head.framing, length > UInt64(maximumBytes) {
            guard readsInPart else { throw .tooLarge }
            phase = .ended
            return progress.consumed
        }
        decoder = BodyDecoder(head.framing, limits: Self.limits, leniency: leniency)
        phase = decoder.isEnded ? .ended : .body
        return progress.consumed
    }

    private mutating func receiveBody(_ input: Span<UInt8>) throws(OutboundFailure) -> Int {
        let piece: BodyPiece
        do throws(HTTP1Error) {
            piece = try decoder.decode(input)
        } catch {
            throw .malformed(error.description)
        }
        guard piece.content.count <= maximumBytes - body.count else {
            guard readsInPart else { throw .tooLarge }
            phase = .ended
            return input.count
        }
        let content = input.extracting(piece.content)
        unsafe content.withUnsafeBufferPointer { unsafe body.append(contentsOf: $0) }
        if piece.isEnd { phase = .ended }
        return piece.consumed
    }

    private func response() -> OutboundResponse {
        let fields = head.fields.map { field in
            (
                String(decoding: head.bytes[field.name.range], as: UTF8.self),
                String(decoding: head.bytes[field.value.range], as: UTF8.self)
            )
        }
        return OutboundResponse(status: head.status, body: body, fields: fields)
    }

    private static let limits = HTTP1Limits(headBytes: 16_384, fields: 100)
    private static let maximumInformational = 8
}
