// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1

/// What the HTTP/1 parsers make of a connection's bytes. Two ways of dividing the same bytes must give equal readings.
struct MessageReading: Equatable {
    enum Event: Equatable {
        /// The head's text, and what was derived from it.
        case head([UInt8], [Range<Int>], BodyFraming, flags: UInt8)
        case content([UInt8])
        case trailers([UInt8])
    }

    enum Kind {
        case requests
        case responses(to: Method, ResponseLeniency)
    }

    private(set) var events: [Event] = []
    private(set) var error: HTTP1Error?
    /// A second reader disagrees, or bytes were left.
    private(set) var fault: String?
    /// The next piece of content belongs to the last event.
    private var isInContent = false

    init(_ pieces: [[UInt8]], _ kind: Kind, limits: HTTP1Limits) {
        do throws(HTTP1Error) {
            switch kind {
            case .requests:
                var parser = RequestParser(limits: limits)
                var head = RequestHead()
                try read(pieces, limits, .strict) { input, reading throws(HTTP1Error) in
                    let progress = try parser.parseHead(input, into: &head)
                    guard progress.isComplete else { return (progress, nil) }
                    reading.add(head)
                    return (progress, head.framing)
                }
            case .responses(let method, let leniency):
                var parser = ResponseParser(limits: limits, leniency: leniency)
                var head = ResponseHead()
                try read(pieces, limits, leniency) { input, reading throws(HTTP1Error) in
                    let progress = try parser.parseHead(input, into: &head, requestMethod: method)
                    guard progress.isComplete else { return (progress, nil) }
                    reading.add(head)
                    return (progress, head.framing)
                }
            }
        } catch {
            self.error = error
        }
    }

    private mutating func read(
        _ pieces: [[UInt8]], _ limits: HTTP1Limits, _ leniency: ResponseLeniency,
        _ parseHead: (Span<UInt8>, inout MessageReading) throws(HTTP1Error) -> (HeadProgress, BodyFraming?)
    ) throws(HTTP1Error) {
        var body: BodyDecoder?
        for piece in pieces {
            var offset = 0
            while offset < piece.count {
                let rest = piece.span.extracting(offset...)
                if var decoder = body {
                    let part = try decoder.decode(rest)
                    add(content: piece[offset + part.content.lowerBound..<offset + part.content.upperBound])
                    guard part.consumed > 0, part.isEnd == decoder.isEnded else { return fail("no progress") }
                    offset += part.consumed
                    body = part.isEnd ? nil : decoder
                    if part.isEnd, !decoder.trailers.isEmpty { events.append(.trailers(decoder.trailers)) }
                    continue
                }
                let (progress, framing) = try parseHead(rest, &self)
                if framing == nil, progress.consumed != rest.count { return fail("bytes of a head are left") }
                offset += progress.consumed
                guard let framing else { continue }
                isInContent = false
                let decoder = BodyDecoder(framing, limits: limits, leniency: leniency)
                if !decoder.isEnded { body = decoder }
            }
        }
        if var decoder = body { try decoder.endOfInput() }
    }

    private mutating func fail(_ text: String) {
        fault = fault ?? text
    }

    private mutating func add(_ head: RequestHead) {
        fault = fault ?? Plainness.fault(head)
        var ranges = [head.methodName, head.target, head.path, head.authority, head.query ?? .empty].map(\.range)
        for field in head.fields { ranges += [field.name.range, field.value.range] }
        var flags: UInt8 = 0
        let bits = [
            head.isPersistent, head.expectsContinue, head.wantsUpgrade, head.nominatesFields,
            head.authenticatesConnection, head.query != nil, head.version == .http10,
        ]
        for (index, bit) in bits.enumerated() where bit { flags |= 1 << UInt8(index) }
        events.append(.head(head.bytes, ranges, head.framing, flags: flags))
    }

    private mutating func add(_ head: ResponseHead) {
        fault = fault ?? Plainness.fault(head)
        var ranges = [head.reason.range]
        for field in head.fields { ranges += [field.name.range, field.value.range] }
        var flags: UInt8 = 0
        let bits = [
            head.isPersistent, head.nominatesFields, head.setsCookies, head.hasDate, head.authenticatesConnection,
            head.version == .http10,
        ]
        for (index, bit) in bits.enumerated() where bit { flags |= 1 << UInt8(index) }
        events.append(.head(head.bytes, ranges, head.framing, flags: flags))
    }

    private mutating func add(content: ArraySlice<UInt8>) {
        guard !content.isEmpty else { return }
        if isInContent, case .content(let before)? = events.last {
            events[events.count - 1] = .content(before + content)
        } else {
            events.append(.content(Array(content)))
            isInContent = true
        }
    }
}
