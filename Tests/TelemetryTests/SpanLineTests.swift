// SPDX-License-Identifier: Apache-2.0

import Telemetry
import Testing

@Suite("Spans as JSON")
struct SpanLineTests {
    private static let trace = TraceWords(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)

    @Test("a span holds everything in the form of OTLP")
    func full() {
        var line = SpanLine(
            .init(Self.trace, span: 0xabc, parent: 0x1, isParentRemote: true), .server, name: "GET",
            start: 1_795_253_400_125_000_000, end: 1_795_253_400_126_000_000)
        line.add("url.path", "/wiki")
        line.add("http.response.status_code", 502)
        line.add("absent", "")
        var out: [UInt8] = []
        line.end(isError: true, appendingTo: &out)
        #expect(
            String(decoding: out, as: UTF8.self)
                == #"{"traceId":"0123456789abcdeffedcba9876543210","spanId":"0000000000000abc","#
                + #""parentSpanId":"0000000000000001","flags":769,"name":"GET","kind":2,"#
                + #""startTimeUnixNano":"1795253400125000000","endTimeUnixNano":"1795253400126000000","attributes":["#
                + #"{"key":"url.path","value":{"stringValue":"/wiki"}},"#
                + #"{"key":"http.response.status_code","value":{"intValue":"502"}}],"status":{"code":2}}"#)
    }

    @Test("a span that begins a trace has no parent, and an end is not before its start")
    func root() {
        let line = SpanLine(
            .init(Self.trace, span: 1, parent: nil, isParentRemote: true), .client, name: "POST", start: 5, end: 4)
        var out: [UInt8] = []
        line.end(isError: false, appendingTo: &out)
        let text = String(decoding: out, as: UTF8.self)
        #expect(text.contains(#""flags":257,"name":"POST","kind":3,"startTimeUnixNano":"5","endTimeUnixNano":"5""#))
        #expect(text.hasSuffix(#""attributes":[],"status":{}}"#) && !text.contains("parent"))
    }

    @Test("any text is one JSON string of bounded size", arguments: [UInt8(0), 0xff, UInt8(ascii: "\""), 10])
    func untrusted(byte: UInt8) {
        let bytes = [UInt8](repeating: byte, count: 100_000)
        var line = SpanLine(
            .init(Self.trace, span: 1, parent: nil, isParentRemote: false), .server, name: "GET", start: 1, end: 2)
        line.add("user_agent.original", bytes.span)
        line.add("url.path", bytes.span, limit: SpanLine.TextLimit.path)
        var out: [UInt8] = []
        line.end(isError: false, appendingTo: &out)
        #expect(out.count < 16_000)
        #expect(out.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
        #expect(String(validating: out, as: UTF8.self) != nil)
    }

    @Test("a request holds its spans as an array, and names the service")
    func envelope() {
        var batch = SpanBatch()
        for _ in 0..<2 {
            batch.append(
                SpanLine(
                    .init(Self.trace, span: 1, parent: nil, isParentRemote: false), .server, name: "GET", start: 1,
                    end: 2), isError: false)
        }
        let body = SpanEnvelope(service: "a \"gate\"", version: "", host: "").body(batch)
        let text = String(decoding: body, as: UTF8.self)
        let head =
            #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":"#
            + #"{"stringValue":"a \"gate\""}}]},"scopeSpans":[{"scope":{"name":"sidegate"},"spans":["#
        #expect(text.hasPrefix(head + #"{"traceId""#) && text.hasSuffix(#""status":{}}]}]}]}"#))
        #expect(text.split(separator: #"},{"traceId""#).count == 2)
    }
}
