// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import Testing

@Suite("A request parser")
struct RequestParserTests {
    private let limits = HTTP1Limits(headBytes: 60, fields: 2, fieldNameBytes: 6, methodBytes: 5)

    private func refusal(_ text: String, _ limits: HTTP1Limits) -> HTTP1Error? {
        do throws(HTTP1Error) {
            _ = try RequestHead(parsing: text, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test("enforces its limits to the byte")
    func limitsToTheByte() {
        let start = "GET / HTTP/1.1\r\nHost: a\r\n"
        // 60 bytes in all, and one more.
        #expect(refusal(start + "X: " + String(repeating: "y", count: 28) + "\r\n\r\n", limits) == nil)
        #expect(refusal(start + "X: " + String(repeating: "y", count: 29) + "\r\n\r\n", limits) == .headTooLarge)
        #expect(refusal(start + "X: y\r\n\r\n", limits) == nil)
        #expect(refusal(start + "X: y\r\nZ: y\r\n\r\n", limits) == .tooManyFields)
        #expect(refusal(start + "X12345: y\r\n\r\n", limits) == nil)
        #expect(refusal(start + "X123456: y\r\n\r\n", limits) == .fieldNameTooLong)
        #expect(refusal("ABCDE / HTTP/1.1\r\nHost: a\r\n\r\n", limits) == nil)
        #expect(refusal("ABCDEF / HTTP/1.1\r\nHost: a\r\n\r\n", limits) == .methodTooLong)
        #expect(refusal("GET /" + String(repeating: "a", count: 60) + " HTTP/1.1\r\n", limits) == .targetTooLong)
        // The request line alone fills the head.
        #expect(refusal("GET /" + String(repeating: "a", count: 44) + " HTTP/1.1\r\n", limits) == .headTooLarge)
    }

    @Test(
        "rejects at the first invalid byte, before the head is complete",
        arguments: [
            ("\u{16}", HTTP1Error.invalidMethod), ("GET /a#", .fragmentInTarget), ("GET / HTTQ", .invalidVersion),
            ("CONNECT a:1 HTTP/1.1\r\n", .connectNotSupported), ("GET / HTTP/1.1\r\nA\u{0}", .nul),
            ("GET / HTTP/1.1\r\nA: b\nc", .bareLF), ("GET / HTTP/1.1\r\n ", .foldedField),
            ("GET / HTTP/2.0", .unsupportedVersion),
        ])
    func refusesEarly(_ text: String, _ error: HTTP1Error) {
        #expect(refusal(text, HTTP1Limits()) == error)
    }

    @Test("throws the same error again after a rejection, until it is reset")
    func staysRefused() throws {
        var parser = RequestParser()
        var head = RequestHead()
        let bad = Array("GET / HTTP/1.1\r\n\n".utf8)
        let good = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(throws: HTTP1Error.bareLF) { try parser.parseHead(bad.span, into: &head) }
        #expect(throws: HTTP1Error.bareLF) { try parser.parseHead(good.span, into: &head) }
        parser.reset()
        #expect(try parser.parseHead(good.span, into: &head) == HeadProgress(consumed: good.count, isComplete: true))
        #expect(head.path == ByteRange(4..<5))
    }

    @Test("discards a partial head when it is reset")
    func reset() throws {
        var parser = RequestParser()
        var head = RequestHead()
        let part = Array("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX".utf8)
        let good = Array("GET / HTTP/1.0\r\n\r\nrest".utf8)
        #expect(try parser.parseHead(part.span, into: &head) == HeadProgress(consumed: part.count, isComplete: false))
        parser.reset()
        #expect(try parser.parseHead(good.span, into: &head) == HeadProgress(consumed: 18, isComplete: true))
        #expect(head.fields.isEmpty && head.framing == .none && head.bytes == Array(good.prefix(18)))
    }

    @Test("consumes nothing after the head, and nothing of an empty input")
    func takesNoMore() throws {
        var parser = RequestParser()
        var head = RequestHead()
        #expect(try parser.parseHead(Span(), into: &head) == HeadProgress(consumed: 0, isComplete: false))
        // More content than is copied at once.
        let text = Array("\r\nPUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n".utf8)
        let bytes = text + [UInt8](repeating: 0, count: 50_000)
        #expect(try parser.parseHead(bytes.span, into: &head) == HeadProgress(consumed: text.count, isComplete: true))
        #expect(head.bytes == Array(text.dropFirst(2)))
        #expect(head.bytes.capacity < 10_000)
    }

    @Test("reuses a head's memory for the next one")
    func keepsMemory() throws {
        var parser = RequestParser()
        var head = RequestHead()
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nE: f\r\n\r\n".utf8)
        _ = try parser.parseHead(bytes.span, into: &head)
        let places = (place(head.bytes), place(head.fields))
        for _ in 0..<3 { _ = try parser.parseHead(bytes.span, into: &head) }
        #expect(place(head.bytes) == places.0)
        #expect(place(head.fields) == places.1)
    }

    private func place<T>(_ array: [T]) -> Int {
        unsafe array.withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
    }

    @Test("accepts CONNECT if it is allowed, only with host and port")
    func connect() throws {
        let limits = HTTP1Limits(allowsConnect: true)
        let head = try RequestHead(parsing: "CONNECT b.example:443 HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits)
        #expect(head.targetForm == .authority && head.path.isEmpty)
        #expect(Array(head.bytes[head.authority.range]) == Array("b.example:443".utf8))
        for target in ["b.example", "b.example:", "/", "*", "http://b.example:443/", "u@b:1", "b:1?x"] {
            #expect(
                refusal("CONNECT \(target) HTTP/1.1\r\nHost: a\r\n\r\n", limits) == .targetFormNotAllowed, "\(target)")
        }
    }

    @Test("has a status and a description for every error", arguments: HTTP1Error.allCases)
    func statuses(_ error: HTTP1Error) {
        #expect([400, 414, 417, 431, 501, 505].contains(error.status))
        #expect(!error.description.isEmpty && error.description != error.rawValue)
    }

    @Test(
        "answers with the appropriate status",
        arguments: [
            (HTTP1Error.bareLF, 400), (.targetTooLong, 414), (.unsupportedExpectation, 417), (.headTooLarge, 431),
            (.tooManyFields, 431), (.fieldNameTooLong, 400), (.methodTooLong, 501), (.connectNotSupported, 501),
            (.unsupportedVersion, 505), (.invalidVersion, 400),
        ])
    func status(_ error: HTTP1Error, _ status: Int) {
        #expect(error.status == status)
    }
}
