// SPDX-License-Identifier: Apache-2.0

import FuzzTargets
import HTTP
import HTTP1
import TestSupport
import Testing

@Suite("Random bytes")
struct FuzzTests {
    /// Inserted by mutations: bytes and words that are special to some parser.
    private static let spices: [[UInt8]] = [
        [0], [9], [10], [11], [13], [32], [0x7f], [0x80], [0xa0], [0xff], Array(":".utf8), Array(",".utf8),
        Array(";".utf8), Array("#".utf8), Array("?".utf8), Array("@".utf8), Array("[".utf8), Array("0".utf8),
        Array("5".utf8), Array("f".utf8), [13, 10], [13, 10, 13, 10], [13, 10, 32], Array("\r\nHost: x\r\n".utf8),
        Array("\r\nContent-Length: 5\r\n".utf8), Array("\r\nTransfer-Encoding: chunked\r\n".utf8),
        Array("0\r\n\r\n".utf8), Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), Array(" HTTP/1.1\r\n".utf8),
        Array("http://x".utf8), Array("HTTP/1.0".utf8), Array("CONNECT ".utf8), Array("\"".utf8), Array("\\".utf8),
        Array(repeating: 0x61, count: 300), Array("\r\nConnection: close, upgrade\r\nUpgrade: x\r\n".utf8),
    ]

    /// Small limits, so that mutations reach them.
    private static let limits = HTTP1Limits(
        headBytes: 700, fields: 12, fieldNameBytes: 40, methodBytes: 12, trailerBytes: 100, chunkOverheadBytes: 60)

    @Test(
        "made of requests are read alike however they are divided, and accepted ones are unambiguous", arguments: 0..<8)
    func requests(_ seed: Int) {
        let corpus = (CorpusFile.all("requests/valid") + CorpusFile.all("requests/invalid")).filter {
            $0.bytes.count < 2_000
        }
        var random = SeededGenerator(seed: UInt64(seed))
        var accepted = 0
        for round in 0..<3_000 {
            let bytes = mutated(corpus, &random)
            let limits = round % 2 == 0 ? HTTP1Limits() : Self.limits
            let whole = Transcript.ofRequests(Cut.whole(bytes), limits: limits)
            for cut in cuts(bytes, &random) {
                let other = Transcript.ofRequests(cut, limits: limits)
                if other.description != whole.description {
                    Issue.record("\(Transcript.escaped(bytes[...])): \(other.description) but \(whole.description)")
                    return
                }
            }
            for head in whole.requests {
                accepted += 1
                if let fault = Plainness.fault(head) {
                    Issue.record("\(fault) accepted: \(Transcript.escaped(head.bytes[...]))")
                    return
                }
            }
        }
        // Otherwise the mutations would be too wild to get past the first check.
        #expect(accepted > 500)
    }

    @Test(
        "made of responses are read alike however they are divided, and accepted ones are unambiguous",
        arguments: 0..<4, [ResponseLeniency.strict, .standard, .tolerant])
    func responses(_ seed: Int, _ leniency: ResponseLeniency) {
        let corpus = (CorpusFile.all("responses/valid") + CorpusFile.all("responses/invalid")).filter {
            $0.bytes.count < 2_000
        }
        var random = SeededGenerator(seed: UInt64(seed) + 1_000)
        for round in 0..<3_000 {
            let bytes = mutated(corpus, &random)
            let limits = round % 2 == 0 ? HTTP1Limits() : Self.limits
            let method: Method = round % 5 == 0 ? .head : .get
            let whole = Transcript.ofResponses(Cut.whole(bytes), to: method, limits: limits, leniency: leniency)
            for cut in cuts(bytes, &random) {
                let other = Transcript.ofResponses(cut, to: method, limits: limits, leniency: leniency)
                if other.description != whole.description {
                    Issue.record("\(Transcript.escaped(bytes[...])): \(other.description) but \(whole.description)")
                    return
                }
            }
            for head in whole.responses {
                if let fault = Plainness.fault(head) {
                    Issue.record("\(fault) accepted: \(Transcript.escaped(bytes[...]))")
                    return
                }
            }
        }
    }

    private func mutated(_ corpus: [CorpusFile], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = corpus[random.below(corpus.count)].bytes
        for _ in 0..<random.below(4) {
            let place = random.below(bytes.count + 1)
            switch random.below(5) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(random.below(8))
            case 1 where place < bytes.count: bytes[place] = UInt8(random.below(256))
            case 2: bytes.removeSubrange(place..<min(place + random.below(8), bytes.count))
            case 3: bytes += corpus[random.below(corpus.count)].bytes
            default: bytes.insert(contentsOf: Self.spices[random.below(Self.spices.count)], at: place)
            }
        }
        return bytes
    }

    private func cuts(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [[ArraySlice<UInt8>]] {
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = min(start + 1 + random.below(40), bytes.count)
            pieces.append(bytes[start..<end])
            start = end
        }
        return [Cut.single(bytes), Cut.inTwo(bytes, at: random.below(bytes.count + 1)), pieces]
    }
}
