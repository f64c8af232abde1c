// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import TestSupport
import Testing

@Suite("A body decoder")
struct BodyDecoderTests {
    private func decode(_ decoder: inout BodyDecoder, _ text: String) throws(HTTP1Error) -> BodyPiece {
        let bytes = Array(text.utf8)
        return try decoder.decode(bytes.span)
    }

    private func refusal(_ body: () throws(HTTP1Error) -> Void) -> HTTP1Error? {
        do throws(HTTP1Error) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test("has ended from the start if there is no content", arguments: [BodyFraming.none, .length(0)])
    func nothing(_ framing: BodyFraming) throws {
        var decoder = BodyDecoder(framing)
        #expect(decoder.isEnded)
        #expect(try decode(&decoder, "GET /") == BodyPiece(consumed: 0, content: 0..<0, isEnd: true))
        try decoder.endOfInput()
    }

    @Test("content may pass unread, but not the end of a length, and no chunks")
    func passes() throws {
        var decoder = BodyDecoder(.length(20_000))
        #expect(decoder.passableContent == 20_000 - 16_384)
        decoder.pass(3616)
        #expect(decoder.passableContent == 0)
        #expect(try decode(&decoder, "x").isEnd == false)
        let rest = String(repeating: "x", count: 16_383)
        #expect(try decode(&decoder, rest + "GET /") == BodyPiece(consumed: 16_383, content: 0..<16_383, isEnd: true))
        #expect(decoder.passableContent == 0)
        #expect(BodyDecoder(.length(UInt64.max)).passableContent == Int.max)
        #expect(BodyDecoder(.length(16_384)).passableContent == 0)
        var endless = BodyDecoder(.untilClose)
        endless.pass(5)
        #expect(endless.passableContent == Int.max)
        try endless.endOfInput()
        var chunks = BodyDecoder(.chunked)
        #expect(chunks.passableContent == 0)
        _ = try decode(&chunks, "fffff\r\nx")
        #expect(chunks.passableContent == 0)
    }

    @Test("reads exactly the given length")
    func length() throws {
        var decoder = BodyDecoder(.length(8))
        #expect(try decode(&decoder, "hello") == BodyPiece(consumed: 5, content: 0..<5, isEnd: false))
        var cut = decoder
        #expect(refusal { () throws(HTTP1Error) in try cut.endOfInput() } == .cutShort)
        #expect(refusal { () throws(HTTP1Error) in _ = try decode(&cut, "x") } == .cutShort)
        #expect(try decode(&decoder, "you, too") == BodyPiece(consumed: 3, content: 0..<3, isEnd: true))
        #expect(decoder.isEnded)
        try decoder.endOfInput()
    }

    @Test("supports lengths beyond 32 bits")
    func longLength() throws {
        var decoder = BodyDecoder(.length(UInt64(Int64.max)))
        #expect(try decode(&decoder, "hello") == BodyPiece(consumed: 5, content: 0..<5, isEnd: false))
        decoder = BodyDecoder(.chunked)
        #expect(
            try decode(&decoder, "0fffffffffffffff\r\nhello") == BodyPiece(consumed: 23, content: 18..<23, isEnd: false)
        )
    }

    @Test("reads everything until the peer closes")
    func untilClose() throws {
        var decoder = BodyDecoder(.untilClose)
        #expect(try decode(&decoder, "0\r\n\r\n") == BodyPiece(consumed: 5, content: 0..<5, isEnd: false))
        #expect(!decoder.isEnded)
        try decoder.endOfInput()
        #expect(decoder.isEnded)
    }

    @Test("reports the end of chunked content with the last piece")
    func chunked() throws {
        var decoder = BodyDecoder(.chunked)
        #expect(
            try decode(&decoder, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET")
                == BodyPiece(consumed: 11, content: 3..<6, isEnd: false))
        #expect(try decode(&decoder, "de\r\n0\r\n\r\nGET") == BodyPiece(consumed: 9, content: 0..<2, isEnd: true))
        #expect(decoder.isEnded && decoder.trailers.isEmpty)
    }

    @Test("returns content before it throws the error that follows it, and throws the same error from then on")
    func contentBeforeError() throws {
        var decoder = BodyDecoder(.chunked)
        #expect(try decode(&decoder, "3\r\nabcX") == BodyPiece(consumed: 6, content: 3..<6, isEnd: false))
        #expect(!decoder.isEnded)
        for _ in 0..<2 {
            #expect(refusal { () throws(HTTP1Error) in _ = try decode(&decoder, "X") } == .invalidChunkEnd)
            #expect(refusal { () throws(HTTP1Error) in try decoder.endOfInput() } == .invalidChunkEnd)
        }
    }

    @Test(
        "drops trailers that a receiver could confuse with header fields",
        arguments: [
            "Content-Length", "transfer-encoding", "HOST", "Authorization", "Cookie", "Set-Cookie", "X-Forwarded-For",
            "X_Forwarded_User", "x.forwarded.email", "Proxy-Authorization", "Remote-User", "X-Auth-Request-User",
            "Connection",
            "Upgrade", "X-Sidegate-Anything", "X-Real-IP", "If-Match", "Trailer", "TE", "Content-Type",
            "X-Company-User",
            "x_company.user", "x-remote-user", "forwarded", "X~Forwarded~User", "X+Sidegate+Jwt+Assertion",
            "X_Forwarded~Email", "X.Original~URL", "x^company|user",
        ])
    func forbiddenTrailers(_ name: String) throws {
        var decoder = BodyDecoder(.chunked, limits: HTTP1Limits(forbiddenTrailers: ["X-Company-User"]))
        let text = "0\r\nA: b\r\n\(name): evil\r\nServer-Timing:  c \r\n\r\n"
        #expect(try decode(&decoder, text).consumed == text.utf8.count)
        #expect(decoder.trailers == Array("A: b\r\nServer-Timing: c\r\n".utf8))
    }

    @Test(
        "keeps trailers that describe content",
        arguments: [
            "grpc-status", "grpc-message", "Server-Timing", "Digest", "Content-Digest", "ETag", "X-Amz-Checksum-Sha256",
            "Content-MD5", "X-Company-Users", "X-Company", "Hosts", "Data",
        ])
    func allowedTrailers(_ name: String) throws {
        var decoder = BodyDecoder(.chunked, limits: HTTP1Limits(forbiddenTrailers: ["X-Company-User"]))
        _ = try decode(&decoder, "0\r\n\(name): good\r\n\r\n")
        #expect(decoder.trailers == Array("\(name): good\r\n".utf8))
    }

    @Test("enforces the trailer limit to the byte, whether or not more follows")
    func trailerLimit() throws {
        let limits = HTTP1Limits(trailerBytes: 10)
        var decoder = BodyDecoder(.chunked, limits: limits)
        #expect(try decode(&decoder, "0\r\nA: bcd\r\n\r\n").isEnd)
        #expect(decoder.trailers == Array("A: bcd\r\n".utf8))
        decoder = BodyDecoder(.chunked, limits: limits)
        #expect(
            refusal { () throws(HTTP1Error) in _ = try decode(&decoder, "0\r\nA: bcde\r\n\r") } == .trailersTooLarge)
    }

    @Test("accepts many small chunks, but not many extensions")
    func smallChunks() throws {
        var decoder = BodyDecoder(.chunked)
        for _ in 0..<50_000 { _ = try decode(&decoder, "1\r\nx\r\n") }
        var count = 0
        let error = refusal { () throws(HTTP1Error) in
            for _ in 0..<50_000 {
                _ = try decode(&decoder, "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n")
                count += 1
            }
        }
        #expect(error == .tooMuchChunkOverhead)
        #expect(800...1_100 ~= count)
        decoder = BodyDecoder(.chunked)
        // Content offsets its framing, for as long as it flows.
        let piece = "40;signature=\(String(repeating: "0", count: 80))\r\n\(String(repeating: "x", count: 64))\r\n"
        for _ in 0..<10_000 { _ = try decode(&decoder, piece) }
    }
}

@Suite("A chunk encoder")
struct ChunkEncoderTests {
    @Test(
        "writes sizes in hexadecimal without leading zeros",
        arguments: [
            (1, "1"), (9, "9"), (10, "a"), (15, "f"), (16, "10"), (255, "ff"), (256, "100"), (4_096, "1000"),
            (65_535, "ffff"),
            (0x1234_5678_9abc, "123456789abc"), (Int.max, "7fffffffffffffff"),
        ])
    func sizes(_ length: Int, _ text: String) {
        var output = Array("x".utf8)
        ChunkEncoder.header(length: length, into: &output)
        #expect(output == Array("x\(text)\r\n".utf8))
    }

    @Test(
        "begins with another message as a new decoder would, whatever became of the one before",
        arguments: [
            "", "4\r\nab", "4 \r\nabcd\r\n0\r\nX-A: 1\r\n\r\n", "0\r\nX-A: ", "1;a=\"", "zz", "1\r\nabc",
        ])
    func anotherMessage(_ before: String) throws {
        let messages: [(BodyFraming, ResponseLeniency, String)] = [
            (.none, .strict, ""), (.length(3), .strict, "abcd"), (.untilClose, .strict, "abc"),
            (.chunked, .strict, "3\r\nabc\r\n0\r\nX-B: 2\r\n\r\n"), (.chunked, .strict, "3 \r\nabc\r\n"),
            (.chunked, .standard, "3 \r\nabc\r\n0\r\n\r\n"),
        ]
        func read(_ decoder: inout BodyDecoder, _ text: String) -> String {
            let bytes = Array(text.utf8)
            var (position, result) = (0, "")
            while position < bytes.count, !decoder.isEnded {
                do throws(HTTP1Error) {
                    let piece = try decoder.decode(bytes.span.extracting(position...))
                    let content = bytes[position...].dropFirst(piece.content.lowerBound).prefix(piece.content.count)
                    result += String(decoding: content, as: UTF8.self) + "|"
                    position += piece.consumed
                } catch {
                    return result + "\(error)"
                }
            }
            return result + "\(position) \(decoder.isEnded) \(decoder.tolerated) \(decoder.trailers)"
        }
        for (framing, leniency, text) in messages {
            var used = BodyDecoder(.chunked, leniency: .tolerant)
            _ = read(&used, before)
            used.begin(framing, limits: HTTP1Limits(), leniency: leniency)
            var new = BodyDecoder(framing, leniency: leniency)
            #expect(read(&used, text) == read(&new, text))
        }
    }

    @Test("writes what the decoder reads")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 7)
        var content: [UInt8] = []
        var output: [UInt8] = []
        for _ in 0..<200 {
            let piece = (0..<random.below(600) + 1).map { _ in UInt8(random.below(256)) }
            content += piece
            ChunkEncoder.header(length: piece.count, into: &output)
            output += piece
            ChunkEncoder.chunkEnd(into: &output)
        }
        ChunkEncoder.lastChunk(trailers: Array("A: b\r\n".utf8), into: &output)
        output += Array("next".utf8)
        for step in [1, 7, 1_000, output.count] {
            var decoder = BodyDecoder(.chunked)
            var read: [UInt8] = []
            var start = 0
            while !decoder.isEnded {
                let input = Array(output[start..<min(start + step, output.count)])
                let piece = try decoder.decode(input.span)
                read += input[piece.content]
                start += piece.consumed
            }
            #expect(read == content)
            #expect(start == output.count - 4)
            #expect(decoder.trailers == Array("A: b\r\n".utf8))
        }
    }
}
