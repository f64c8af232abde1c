// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import TestSupport

/// HTTP/1 messages of clients and of apps: read alike however they are divided, and accepted heads are unambiguous.
enum HTTP1Targets {
    static let requests = FuzzTarget(
        "http1-requests", maximumLength: 2048, dictionary: words,
        seedFolders: ["Tests/HTTP1Tests/Corpus/requests/valid", "Tests/HTTP1Tests/Corpus/requests/invalid"]
    ) { input throws(BrokenProperty) in
        try compare(input) { pieces, limits, _ in MessageReading(pieces, .requests, limits: limits) }
    }

    static let responses = FuzzTarget(
        "http1-responses", maximumLength: 2048, dictionary: words,
        seedFolders: ["Tests/HTTP1Tests/Corpus/responses/valid", "Tests/HTTP1Tests/Corpus/responses/invalid"]
    ) { input throws(BrokenProperty) in
        try compare(input) { pieces, limits, choice in
            let leniency: ResponseLeniency = [.strict, .standard, .tolerant][choice % 3]
            return MessageReading(
                pieces, .responses(to: choice % 5 == 0 ? .head : .get, leniency), limits: limits)
        }
    }

    /// Chunked content, which a naive reader of the whole text reads as well.
    static let bodies = FuzzTarget(
        "http1-bodies", maximumLength: 1024, dictionary: ["\r\n", "0\r\n\r\n", ";a=b", ";a=\"b\"", "5\r\nhello\r\n"],
        seeds: {
            [
                "5\r\nhello\r\n0\r\n\r\n", "3;a=b\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\n",
                "2;a=\"\\\"x\"\r\nab\r\n0;z\r\nDate: x\r\nETag: y\r\n\r\n", "00000a \r\n0123456789\r\n0\r\n\r\n",
            ].map { [UInt8]($0) }
        }
    ) { input throws(BrokenProperty) in
        var random = SeededGenerator(of: input)
        let leniency: ResponseLeniency = [.strict, .standard, .tolerant][random.below(3)]
        let limits = random.below(2) == 0 ? HTTP1Limits() : tight
        let whole = ChunkedReading([input], limits, leniency)
        try require(whole == ChunkedReading(input.map { [$0] }, limits, leniency), "single bytes are read otherwise")
        let pieces = random.pieces(of: input)
        try require(whole == ChunkedReading(pieces, limits, leniency), "pieces are read otherwise: \(pieces)")
        guard leniency == .strict, whole.isEnded else { return }
        guard let naive = ChunkedReading.naive(input) else { throw BrokenProperty("not chunked content") }
        try require(naive == whole.content, "another content: \(naive.quoted) but \(whole.content.quoted)")
    }

    private static func compare(
        _ input: [UInt8], _ read: ([[UInt8]], HTTP1Limits, _ choice: Int) -> MessageReading
    ) throws(BrokenProperty) {
        var random = SeededGenerator(of: input)
        let limits = random.below(2) == 0 ? HTTP1Limits() : tight
        let choice = random.below(30)
        let whole = read([input], limits, choice)
        if let fault = whole.fault { throw BrokenProperty("accepted: \(fault)") }
        for pieces in [input.map { [$0] }, random.pieces(of: input)] {
            let other = read(pieces, limits, choice)
            try require(whole == other, "read otherwise in pieces \(pieces): \(whole), \(other)")
        }
    }

    /// Small limits, so that mutations reach them.
    private static let tight = HTTP1Limits(
        headBytes: 700, fields: 12, fieldNameBytes: 40, methodBytes: 12, trailerBytes: 100, chunkOverheadBytes: 60)

    private static let words = [
        "\r\n", "\r\n\r\n", "\r\n ", " HTTP/1.1\r\n", "HTTP/1.0", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 101 ",
        "HTTP/1.1 304 ",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\nHost: x\r\n", "\r\nContent-Length: 5\r\n",
        "\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", "http://x", "CONNECT ", "OPTIONS * ",
        "Expect: 100-continue\r\n",
        "Connection: close, upgrade\r\n", "Upgrade: websocket\r\n", "Authorization: NTLM x\r\n", "Set-Cookie: a=b\r\n",
        "Date: x\r\n", "Transfer_Encoding", "content-length", "\u{0}", "\t", ":", "#", "?", "@", "[::1]", "%", "\\",
    ]
}

/// What the decoder makes of chunked content.
private struct ChunkedReading: Equatable {
    var content: [UInt8] = []
    var trailers: [UInt8] = []
    var error: HTTP1Error?
    var consumed = 0
    var isEnded = false

    init(_ pieces: [[UInt8]], _ limits: HTTP1Limits, _ leniency: ResponseLeniency) {
        var decoder = BodyDecoder(.chunked, limits: limits, leniency: leniency)
        do throws(HTTP1Error) {
            for piece in pieces {
                var offset = 0
                while offset < piece.count, !decoder.isEnded {
                    let part = try decoder.decode(piece.span.extracting(offset...))
                    content += piece[offset + part.content.lowerBound..<offset + part.content.upperBound]
                    offset += part.consumed
                    consumed += part.consumed
                }
            }
        } catch {
            self.error = error
            // How much of an invalid line was taken depends on where it was cut.
            consumed = 0
        }
        isEnded = decoder.isEnded
        trailers = decoder.trailers
    }

    /// RFC 9112 §7.1, without a thought of pieces, limits or trailers; nil: not chunked content.
    static func naive(_ input: [UInt8]) -> [UInt8]? {
        var rest = input[...]
        var content: [UInt8] = []
        while let end = rest.firstIndex(of: 10), end > rest.startIndex, rest[end - 1] == 13 {
            let line = String(decoding: rest[..<(end - 1)], as: UTF8.self)
            rest = rest[(end + 1)...]
            let digits = line.prefix { $0.isHexDigit }
            guard let size = Int(digits, radix: 16) else { return nil }
            if size == 0 { return content }
            guard rest.count >= size + 2 else { return nil }
            content += rest.prefix(size)
            rest = rest.dropFirst(size)
            guard rest.starts(with: [13, 10]) else { return nil }
            rest = rest.dropFirst(2)
        }
        return nil
    }
}
