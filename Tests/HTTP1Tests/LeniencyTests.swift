// SPDX-License-Identifier: Apache-2.0

import Decisions
import FuzzTargets
import HTTP
import HTTP1
import TestSupport
import Testing

@Suite("Deviations of responses")
struct LeniencyTests {
    private static let length = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"

    /// Bytes, what each leniency accepts of them (nil: it refuses them), and the text of the last head afterwards.
    private static let accepted: [(String, ResponseLeniency, [Toleration], String)] = [
        (length + "X-A : b\r\n\r\nok", .standard, [.spaceBeforeColon], length + "X-A: b\r\n\r\n"),
        (
            length + "X-A \t : b\r\nX-B\t:c\r\n\r\nok", .standard, [.spaceBeforeColon],
            length + "X-A: b\r\nX-B:c\r\n\r\n"
        ),
        (length + "Date : x\r\n\r\nok", .standard, [.spaceBeforeColon], length + "Date: x\r\n\r\n"),
        (length + "X-Connection : b\r\n\r\nok", .standard, [.spaceBeforeColon], length + "X-Connection: b\r\n\r\n"),
        (length + "\r\nok\r\n" + length + "\r\nok", .standard, [.emptyLine], length + "\r\n"),
        (
            "HTTP/1.1 304 N\r\n\r\n\r\nHTTP/1.1 204 N\r\n\r\n\r\n" + length + "\r\nok", .standard, [.emptyLine],
            length + "\r\n"
        ),
        (
            "HTTP/1.1 100 C\r\n\r\n\r\n" + length + "X : y\r\n\r\nok", .standard, [.emptyLine, .spaceBeforeColon],
            length + "X: y\r\n\r\n"
        ),
        (chunked("2  \r\nok\r\n0   \r\n\r\n"), .standard, [.paddedChunkSize], chunkedHead),
        (chunked("  2\r\nok\r\n\t0\r\n\r\n"), .standard, [.paddedChunkSize], chunkedHead),
        (
            chunked("                  0000000000000002\t\r\nok\r\n0\r\n\r\n"), .standard, [.paddedChunkSize],
            chunkedHead
        ),
        (chunked("2 ;a=b\r\nok\r\n0\r\n\r\n"), .standard, [], chunkedHead),
        (chunked("2\r\nok\r\n0\r\nX-Sum : 1\r\nX-B: 2\r\n\r\n"), .standard, [.spaceBeforeColon], chunkedHead),
        (chunked("2\r\nok\r\n0\r\nX Sum: 1\r\nX-B: 2\r\n\r\n"), .tolerant, [.invalidFieldName], chunkedHead),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", .tolerant, [.bareLF], length + "\r\n"),
        ("HTTP/1.1 200\nContent-Length: 2\n\nok", .tolerant, [.bareLF], "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n"),
        (
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\nok\r\n0\r\n\r\n", .tolerant, [.bareLF], chunkedHead
        ),
        (
            "HTTP/1.1 200 OK\nContent-Length: 2\nX-A : b\n(x): y\n\nok", .tolerant,
            [.bareLF, .spaceBeforeColon, .invalidFieldName], length + "X-A: b\r\n\r\n"
        ),
        (length + "X Y: z\r\nX-A: b\r\n\r\nok", .tolerant, [.invalidFieldName], length + "X-A: b\r\n\r\n"),
        (length + ": z\r\n\r\nok", .tolerant, [.invalidFieldName], length + "\r\n"),
        (length + "no colon at all\r\n\r\nok", .tolerant, [.invalidFieldName], length + "\r\n"),
        (length + "garbage\r\n\r\nok", .tolerant, [.invalidFieldName], length + "\r\n"),
        (length + "X\u{1}Y: z\r\n\r\nok", .tolerant, [.invalidFieldName], length + "\r\n"),
        (length + "Größe: z\r\n\r\nok", .tolerant, [.invalidFieldName], length + "\r\n"),
        (length + "Content-Length: 2\r\n\r\nok", .tolerant, [.repeatedContentLength], length + "\r\n"),
        (length + "content-length:2\t\r\nX: y\r\n\r\nok", .tolerant, [.repeatedContentLength], length + "X: y\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", .tolerant, [.repeatedContentLength], length + "\r\n"),
        (
            "HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nok", .tolerant, [.undefinedStatus],
            "HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\n"
        ),
        (
            "HTTP/1.1 999\nContent-Length: 2\nX :y\n\nok", .tolerant, [.undefinedStatus, .bareLF, .spaceBeforeColon],
            "HTTP/1.1 999\r\nContent-Length: 2\r\nX:y\r\n\r\n"
        ),
    ]

    private static let chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static func chunked(_ content: String) -> String { chunkedHead + content }

    @Test("are put right, however they are divided, and by nothing stricter", arguments: accepted)
    func accepts(_ text: String, _ leniency: ResponseLeniency, _ expected: [Toleration], _ head: String) throws {
        let bytes = Array(text.utf8)
        let whole = Transcript.ofResponses(Cut.whole(bytes), to: .get, leniency: leniency)
        #expect(whole.error == nil, "\(whole)")
        #expect(whole.tolerated.members == expected.sorted { $0.rawValue < $1.rawValue })
        let last = try #require(whole.responses.last)
        #expect(String(decoding: last.bytes, as: UTF8.self) == head)
        for cut in [Cut.single(bytes)] + (1..<bytes.count).map({ Cut.inTwo(bytes, at: $0) }) {
            let other = Transcript.ofResponses(cut, to: .get, leniency: leniency)
            #expect(other.description == whole.description)
            #expect(other.tolerated == whole.tolerated)
        }
        guard !expected.isEmpty else { return }
        let stricter: ResponseLeniency = leniency == .tolerant ? .standard : .strict
        #expect(Transcript.ofResponses(Cut.whole(bytes), to: .get, leniency: stricter).error != nil)
    }

    /// Whatever is not certain stays refused, at any leniency.
    private static let refused: [(String, HTTP1Error)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", .spaceBeforeColon),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", .spaceBeforeColon),
        (length + "Connection : close\r\n\r\nok", .spaceBeforeColon),
        (length + "Upgrade\t: x\r\n\r\nok", .spaceBeforeColon),
        (length + "Trailer : x\r\n\r\nok", .spaceBeforeColon),
        (length + "Content_Length : 3\r\n\r\nok", .spaceBeforeColon),
        (length + "Content_Length: 3\r\n\r\nok", .ambiguousFieldName),
        (length + "Content Length: 3\r\n\r\nok", .ambiguousFieldName),
        (length + "Content-Length 3\r\n\r\nok", .ambiguousFieldName),
        (length + "Content-Length\u{b}: 3\r\n\r\nok", .ambiguousFieldName),
        (length + "(Transfer-Encoding): chunked\r\n\r\nok", .ambiguousFieldName),
        (length + "X Transfer-Encoding: chunked\r\n\r\nok", .ambiguousFieldName),
        (length + "Connection(): close\r\n\r\nok", .ambiguousFieldName),
        (length + "Up grade: x\r\n\r\nok", .ambiguousFieldName),
        (length + "Trailer\u{e9}: x\r\n\r\nok", .ambiguousFieldName),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok", .bareLF),
        ("HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok", .mixedLineEnds),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\r\nok", .mixedLineEnds),
        ("HTTP/1.1 200 OK\nX: a\rb\nContent-Length: 2\n\nok", .bareCR),
        (length + "X Y: a\rb\r\n\r\nok", .bareCR),
        (length + "X Y: a\u{0}b\r\n\r\nok", .nul),
        (length + "X Y: a\u{1}b\r\n\r\nok", .controlByte),
        (length + "X-A: b\r\n c\r\n\r\nok", .foldedField),
        (length + "X Y: b\r\n\tContent-Length: 5\r\n\r\nok", .foldedField),
        (length + "Content-Length: 3\r\n\r\nok", .repeatedContentLength),
        (length + "Content-Length: 02\r\n\r\nok", .repeatedContentLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok", .invalidContentLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\nok", .invalidContentLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", .invalidContentLength),
        (length + "Transfer-Encoding: chunked\r\n\r\nok", .contentLengthWithTransferEncoding),
        (length + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", .contentLengthWithTransferEncoding),
        ("HTTP/1.1 099 OK\r\n\r\n", .invalidStatus),
        ("HTTP/1.1 1000 OK\r\n\r\n", .invalidStatusLine),
        ("\r\n" + length + "\r\nok", .invalidVersion),
        (length + "\r\nok\r\n\r\n" + length + "\r\nok", .invalidVersion),
        (length + "\r\nok\n" + length + "\r\nok", .invalidVersion),
        (length + "\r\nok\rHTTP/1.1 200 OK\r\n\r\n", .bareCR),
        (chunked("2 \nok\r\n0\r\n\r\n"), .bareLF),
        (chunked("2\nok\r\n0\r\n\r\n"), .bareLF),
        (chunked(" \r\nok\r\n0\r\n\r\n"), .invalidChunkSize),
        (chunked("2 2\r\nok\r\n0\r\n\r\n"), .invalidChunkSize),
        (chunked(String(repeating: " ", count: 20_000) + "2\r\nok\r\n0\r\n\r\n"), .tooMuchChunkOverhead),
        (chunked("2\r\nok\r\n0\r\nContent-Length : 5\r\n\r\n"), .spaceBeforeColon),
        (chunked("2\r\nok\r\n0\r\nX: y\n\r\n"), .bareLF),
    ]

    @Test("that leave a doubt are refused, however they are divided", arguments: refused)
    func refuses(_ text: String, _ error: HTTP1Error) {
        let bytes = Array(text.utf8)
        let whole = Transcript.ofResponses(Cut.whole(bytes), to: .get, leniency: .tolerant)
        #expect(whole.error == error, "\(whole)")
        let single = Transcript.ofResponses(Cut.single(bytes), to: .get, leniency: .tolerant)
        #expect(single.error == error, "\(single)")
    }

    @Test("have a bound like any head")
    func bound() {
        let limits = HTTP1Limits(headBytes: 200)
        let text = Self.length + String(repeating: "x y\r\n", count: 100)
        let whole = Transcript.ofResponses(Cut.whole(Array(text.utf8)), to: .get, limits: limits, leniency: .tolerant)
        #expect(whole.error == .headTooLarge)
        let single = Transcript.ofResponses(
            Cut.single(Array(text.utf8)), to: .get, limits: limits, leniency: .tolerant)
        #expect(single.error == .headTooLarge)
    }

    @Test("of requests are refused as before")
    func requests() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
        ] {
            #expect(Transcript.ofRequests(Cut.whole(Array(text.utf8))).error != nil)
        }
    }

    /// A reader as lenient as RFC 9112 §2.2 allows finds the same framing in what was accepted.
    @Test("in random heads never change where a response ends", arguments: 0..<8)
    func framing(_ seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) + 7_000)
        var accepted = 0
        for _ in 0..<4_000 {
            let lineEnd = random.below(3) == 0 ? "\n" : "\r\n"
            var text = "HTTP/1.1 \([200, 200, 404, 700, 204][random.below(5)]) OK" + lineEnd
            for _ in 0..<random.below(6) {
                text += Self.lines[random.below(Self.lines.count)]
                text += random.below(40) == 0 ? "\n" : lineEnd
            }
            text += lineEnd
            let bytes = Array(text.utf8)
            let whole = Transcript.ofResponses(Cut.whole(bytes), to: .get, leniency: .tolerant)
            guard let head = whole.responses.first else { continue }
            accepted += 1
            if let fault = Plainness.fault(head) ?? Self.difference(head, text) {
                Issue.record("\(fault): \(Transcript.escaped(bytes[...]))")
                return
            }
        }
        #expect(accepted > 500)
    }

    private static let lines = [
        "Content-Length: 2", "Content-Length: 2", "Content-Length: 3", "content-length:2", "Content-Length : 2",
        "Content Length: 3", "Transfer-Encoding: chunked", "Transfer-Encoding : chunked", "Transfer_Encoding: chunked",
        "Transfer-Encoding\u{e9}: chunked", "X-A: b", "X-A : b", "X A: b", "garbage", ": x", " folded", "\tfolded: x",
        "Connection: close", "Connection : close", "Date: x", "(y): z", "Content-Length: 2, 2", "X: Content-Length: 9",
    ]

    /// Lines at each LF, without CR; names at the first colon, without white space at the end.
    private static func difference(_ head: ResponseHead, _ text: String) -> String? {
        var lengths: Set<String> = []
        var codings: [String] = []
        // By scalars: CRLF is one character.
        for line in text.unicodeScalars.split(separator: "\n").dropFirst() {
            let line = String(String.UnicodeScalarView(line.filter { $0 != "\r" }))
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].lowercased().filter { $0.isLetter && $0.isASCII }
            let value = line[line.index(after: colon)...].filter { $0 != " " }
            if name == "contentlength" { lengths.formUnion(value.split(separator: ",").map(String.init)) }
            if name == "transferencoding" { codings.append(value) }
        }
        if head.status == 204 { return nil }
        switch head.framing {
        case .none: return "no content"
        case .untilClose: return lengths.isEmpty && codings.isEmpty ? nil : "a field that frames was ignored"
        case .chunked: return lengths.isEmpty && codings == ["chunked"] ? nil : "chunks, and something else"
        case .length(let length): return codings.isEmpty && lengths == [String(length)] ? nil : "another length"
        }
    }
}
