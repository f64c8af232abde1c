// SPDX-License-Identifier: Apache-2.0

import HTTP2
import Testing

/// RFC 9113 §3 to §6, as far as a connection ends by it. `test_http2.py` has the same and more, over a socket.
@Suite("A connection error")
struct FrameTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: ErrorCode
        var input: [UInt8]
    }

    static let ended = Wire.hello + Wire.headers(1, Wire.get)
    static let opened = Wire.hello + Wire.headers(1, Wire.post(), end: false)

    static let cases: [Case] = [
        Case(
            testDescription: "§3.4 a wrong preface", code: .protocolError, input: Array("PRI * HTTP/2.0\r\n\r\nXX".utf8)
        ),
        Case(testDescription: "§3.4 no SETTINGS first", code: .protocolError, input: Wire.preface + Wire.frame(6)),
        Case(
            testDescription: "§3.4 an acknowledgement first", code: .protocolError,
            input: Wire.preface + Wire.frame(4, 1)),
        Case(
            testDescription: "§4.2 a frame beyond the largest", code: .frameSizeError,
            input: opened + Wire.frame(0, 0, 1, [UInt8](repeating: 0, count: 16_385))),
        Case(
            testDescription: "§4.3 a header section that cannot be decoded", code: .compressionError,
            input: Wire.hello + Wire.frame(1, 5, 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
        Case(
            testDescription: "§5.1 DATA on an idle stream", code: .protocolError, input: Wire.hello + Wire.data(1, "")),
        Case(
            testDescription: "§5.1 WINDOW_UPDATE on an idle stream", code: .protocolError,
            input: Wire.hello + Wire.frame(8, 0, 1, Wire.word(1))),
        Case(
            testDescription: "§5.1 RST_STREAM on an idle stream", code: .protocolError,
            input: Wire.hello + Wire.frame(3, 0, 1, Wire.word(8))),
        Case(
            testDescription: "§5.1 DATA after the end", code: .streamClosed, input: ended + Wire.data(1, "x")),
        Case(
            testDescription: "§5.1 HEADERS after the end", code: .streamClosed,
            input: ended + Wire.headers(1, Wire.get)),
        Case(
            testDescription: "§5.1 DATA after RST_STREAM", code: .streamClosed,
            input: opened + Wire.frame(3, 0, 1, Wire.word(8)) + Wire.data(1, "x")),
        Case(
            testDescription: "§5.1 HEADERS after RST_STREAM", code: .streamClosed,
            input: opened + Wire.frame(3, 0, 1, Wire.word(8)) + Wire.headers(1, Wire.get)),
        Case(
            testDescription: "§5.1.1 an even number", code: .protocolError,
            input: Wire.hello + Wire.headers(2, Wire.get)),
        Case(
            testDescription: "§5.1.1 a number that was left out", code: .protocolError,
            input: Wire.hello + Wire.headers(5, Wire.get) + Wire.headers(3, Wire.get)),
        Case(testDescription: "§6.1 DATA on stream 0", code: .protocolError, input: Wire.hello + Wire.data(0, "x")),
        Case(
            testDescription: "§6.1 more padding than payload", code: .protocolError,
            input: opened + Wire.frame(0, 8, 1, [9, 0])),
        Case(
            testDescription: "§6.2 another frame within a header section", code: .protocolError,
            input: Wire.hello + Wire.headers(1, Wire.get, endHeaders: false)
                + Wire.frame(6, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0])
        ),
        Case(
            testDescription: "§6.8 GOAWAY on a stream", code: .protocolError,
            input: Wire.hello + Wire.frame(7, 0, 1, Wire.word(0) + Wire.word(0))),
        Case(
            testDescription: "§6.9 a window beyond 2^31 - 1", code: .flowControlError,
            input: Wire.hello + Wire.frame(8, 0, 0, Wire.word(0x7fff_ffff))
                + Wire.frame(8, 0, 0, Wire.word(0x7fff_ffff))),
        Case(
            testDescription: "§6.10 CONTINUATION out of nowhere", code: .protocolError,
            input: ended + Wire.frame(9, 4, 1)),
        Case(
            testDescription: "§8.4 PUSH_PROMISE", code: .protocolError, input: ended + Wire.frame(5, 4, 1, Wire.word(2))
        ),
    ]

    @Test(arguments: cases)
    func connectionError(_ test: Case) {
        let server = Server()
        server.receive(test.input)
        #expect(server.goAway == test.code)
        #expect(server.session.termination == test.code)
        // Later input was not processed.
        let events = server.events
        server.receive(Wire.headers(101, Wire.get))
        #expect(server.events == events)
    }
}
