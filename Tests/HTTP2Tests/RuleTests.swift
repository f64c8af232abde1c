// SPDX-License-Identifier: Apache-2.0

import HTTP2
import Testing

/// Malformed requests (RFC 9113 §8.1.1), and the error for each.
@Suite("A malformed request is a stream error of type PROTOCOL_ERROR")
struct RuleTests {
    struct Case: CustomTestStringConvertible {
        var fault: MalformedHead
        var fields: [(String, String)]
        var end = true
        var testDescription: String { "\(fault): \(fields)" }
    }

    private static func without(_ name: String) -> [(String, String)] { Wire.get.filter { $0.0 != name } }
    private static func with(_ name: String, _ value: String) -> [(String, String)] {
        without(name) + [(name, value)]
    }

    static let cases: [Case] = [
        Case(fault: .upperCaseFieldName, fields: Wire.get + [("Accept", "x")]),
        Case(fault: .invalidFieldName, fields: Wire.get + [("", "x")]),
        Case(fault: .invalidFieldName, fields: Wire.get + [("a b", "x")]),
        Case(fault: .invalidFieldName, fields: Wire.get + [("a:b", "x")]),
        Case(fault: .invalidFieldName, fields: Wire.get + [("a\r\nb", "x")]),
        Case(fault: .invalidFieldName, fields: Wire.get + [("a\u{0}", "x")]),
        Case(fault: .invalidFieldName, fields: Wire.get + [("\u{e9}", "x")]),
        Case(fault: .invalidFieldValue, fields: Wire.get + [("a", "x\r\nb: c")]),
        Case(fault: .invalidFieldValue, fields: Wire.get + [("a", "x\ny")]),
        Case(fault: .invalidFieldValue, fields: Wire.get + [("a", "a long value, and then\u{0}")]),
        Case(fault: .invalidFieldValue, fields: Wire.get + [("a", " x")]),
        Case(fault: .invalidFieldValue, fields: Wire.get + [("a", "x\t")]),
        Case(fault: .connectionSpecificField, fields: Wire.get + [("connection", "close")]),
        Case(fault: .connectionSpecificField, fields: Wire.get + [("keep-alive", "1")]),
        Case(fault: .connectionSpecificField, fields: Wire.get + [("proxy-connection", "x")]),
        Case(fault: .connectionSpecificField, fields: Wire.get + [("transfer-encoding", "chunked")]),
        Case(fault: .connectionSpecificField, fields: Wire.get + [("upgrade", "websocket")]),
        Case(fault: .invalidTE, fields: Wire.get + [("te", "gzip")]),
        Case(fault: .unknownPseudoField, fields: Wire.get + [(":status", "200")]),
        Case(fault: .unknownPseudoField, fields: Wire.get + [(":foo", "x")]),
        Case(fault: .pseudoFieldAfterField, fields: Wire.get + [("a", "b"), (":path", "/")]),
        Case(fault: .repeatedPseudoField, fields: Wire.get + [(":path", "/b")]),
        Case(fault: .repeatedPseudoField, fields: Wire.get + [(":method", "GET")]),
        Case(fault: .repeatedPseudoField, fields: Wire.get + [(":authority", "app.example")]),
        Case(fault: .missingPseudoField, fields: without(":method")),
        Case(fault: .missingPseudoField, fields: without(":scheme")),
        Case(fault: .missingPseudoField, fields: without(":path")),
        Case(fault: .missingPseudoField, fields: [(":method", "CONNECT")]),
        Case(
            fault: .pseudoFieldNotAllowed,
            fields: [(":method", "CONNECT"), (":authority", "a:1"), (":path", "/"), (":scheme", "http")]),
        Case(fault: .pseudoFieldNotAllowed, fields: Wire.get + [(":protocol", "websocket")]),
        Case(fault: .invalidMethod, fields: with(":method", "G ET")),
        Case(fault: .invalidMethod, fields: with(":method", "")),
        Case(fault: .invalidMethod, fields: with(":method", "GET\r\n")),
        Case(fault: .invalidMethod, fields: with(":method", "G(T")),
        Case(fault: .invalidScheme, fields: with(":scheme", "ftp")),
        Case(fault: .invalidScheme, fields: with(":scheme", "")),
        Case(fault: .invalidPath, fields: with(":path", "")),
        Case(fault: .invalidPath, fields: with(":path", "a")),
        Case(fault: .invalidPath, fields: with(":path", "/a b")),
        Case(fault: .invalidPath, fields: with(":path", "/a\r\nb: c")),
        Case(fault: .invalidPath, fields: with(":path", "/\u{e9}")),
        Case(fault: .invalidPath, fields: with(":path", "*")),
        Case(fault: .invalidPath, fields: with(":path", "http://app.example/")),
        Case(fault: .invalidAuthority, fields: with(":authority", "")),
        Case(fault: .invalidAuthority, fields: with(":authority", "a\r\nb")),
        Case(fault: .invalidAuthority, fields: with(":authority", "a b")),
        Case(fault: .differentHost, fields: Wire.get + [("host", "other.example")]),
        Case(fault: .repeatedHost, fields: Wire.get + [("host", "app.example"), ("host", "app.example")]),
        Case(fault: .invalidContentLength, fields: Wire.post(("content-length", "")), end: false),
        Case(fault: .invalidContentLength, fields: Wire.post(("content-length", "+1")), end: false),
        Case(fault: .invalidContentLength, fields: Wire.post(("content-length", "1,1")), end: false),
        Case(fault: .invalidContentLength, fields: Wire.post(("content-length", "99999999999999999999")), end: false),
        Case(
            fault: .repeatedContentLength, fields: Wire.post(("content-length", "1"), ("content-length", "1")),
            end: false),
        Case(fault: .contentLengthDiffers, fields: Wire.post(("content-length", "1"))),
        Case(
            fault: .endedTunnel,
            fields: [
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/"),
                (":authority", "a"),
            ]),
    ]

    @Test("In its head", arguments: cases)
    func head(_ test: Case) {
        let server = Server()
        server.receive(Wire.hello + Wire.headers(1, test.fields, end: test.end) + Wire.headers(3, Wire.get))
        #expect(server.events.first == "1 malformed \(test.fault.rawValue)")
        #expect(server.reset(1) == .protocolError)
        #expect(server.events.last == "3 head end")
    }

    @Test(
        "In its content",
        arguments: [
            ("more than was said", Wire.data(1, "123456")), ("less than was said", Wire.data(1, "1", end: true)),
            ("more, in the end", Wire.data(1, "12345") + Wire.data(1, "6", end: true)),
            ("less, then trailers", Wire.data(1, "1") + Wire.headers(1, [("a", "b")])),
        ])
    func content(_ test: (String, [UInt8])) {
        let server = Server()
        server.receive(Wire.hello + Wire.headers(1, Wire.post(("content-length", "5")), end: false) + test.1)
        #expect(server.events.contains("1 malformed contentLengthDiffers"))
        #expect(server.reset(1) == .protocolError)
        #expect((server.requests.first?.content.count ?? 0) <= 5)
    }

    @Test("In its trailers")
    func trailers() {
        for (fault, fields, end) in [
            (MalformedHead.pseudoFieldInTrailers, [(":path", "/")], true),
            (.trailersWithoutEnd, [("a", "b")], false), (.upperCaseFieldName, [("A", "b")], true),
            (.connectionSpecificField, [("connection", "a")], true),
        ] {
            let server = Server()
            server.receive(
                Wire.hello + Wire.headers(1, Wire.post(), end: false) + Wire.headers(1, fields, end: end))
            #expect(server.events.contains("1 malformed \(fault.rawValue)"), "\(fields)")
            #expect(server.reset(1) == .protocolError)
        }
    }

    @Test("OPTIONS * is not malformed, nor is a Host with the same value")
    func sound() {
        let server = Server()
        server.receive(
            Wire.hello
                + Wire.headers(1, [(":method", "OPTIONS"), (":scheme", "http"), (":path", "*"), (":authority", "a")])
                + Wire.headers(3, Wire.get + [("host", "APP.example")]))
        #expect(server.events == ["1 head end", "3 head end"])
    }
}
