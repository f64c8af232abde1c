// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import Testing

@Suite("Traces of requests")
struct TraceTests {
    private static let trace = "0123456789abcdef0123456789abcdef"
    private static let words = TraceID(high: 0x0123_4567_89ab_cdef, low: 0x0123_4567_89ab_cdef)

    private func head(_ fields: String = "") throws -> RequestHead {
        try RequestHead(parsing: "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
    }

    private func gate() throws -> Gate { Gate(try configuration(), random: Sequence().bytes) }

    @Test("the field's parts are read as they are written")
    func parts() throws {
        let parent = try #require(
            Traceparent(of: try head("traceparent: 00-\(Self.trace)-00000000000000fe-03\r\n")))
        #expect(parent.trace == Self.words && parent.parent == 0xfe && parent.isSampled)
        #expect(Traceparent(of: try head("traceparent: 00-\(Self.trace)-00000000000000fe-02\r\n"))?.isSampled == false)
        #expect(Traceparent(of: try head()) == nil)
        #expect(Traceparent(of: try head("traceparent: 00-\(Self.trace)-0000000000000000-01\r\n")) == nil)
        let twice = "traceparent: 00-\(Self.trace)-00000000000000fe-01\r\n"
        #expect(Traceparent(of: try head(twice + twice)) == nil)
    }

    @Test("of a trace that the client began, its flag decides whether spans are exported")
    func continued() throws {
        for share in [0.0, 1.0] {
            let tracer = try gate().forwarding.makeTracer(share: share)
            let kept = try #require(
                tracer.trace(of: try head("traceparent: 00-\(Self.trace)-00000000000000fe-01\r\n")))
            #expect(kept.trace == Self.words && kept.caller == 0xfe && kept.isSampled && kept.isExported)
            #expect(kept.server != kept.client && kept.server != 0 && kept.client != 0)
            #expect(tracer.trace(of: try head("traceparent: 00-\(Self.trace)-00000000000000fe-00\r\n")) == nil)
        }
    }

    @Test("of the traces that begin here, the configured part is exported", arguments: [0, 0.25, 1])
    func share(_ share: Double) throws {
        let random = Gate(try configuration())
        let tracer = random.forwarding.makeTracer(share: share)
        let count = 4000
        var exported = 0
        var traces: Set<TraceID> = []
        for _ in 0..<count {
            let trace = try #require(tracer.trace(of: try head()))
            #expect(trace.caller == nil && trace.isExported == trace.isSampled)
            if trace.isExported { exported += 1 }
            traces.insert(trace.trace)
        }
        #expect(traces.count == count)
        // Ten times the standard deviation of a quarter is 274.
        #expect(abs(exported - Int(share * Double(count))) <= (share == 0.25 ? 274 : 0))
    }

    @Test("without export a trace begins only where the client has none")
    func begun() throws {
        let tracer = try gate().forwarding.makeTracer(share: 0)
        let begun = try #require(tracer.begin(try head()))
        #expect(begun.isSampled && !begun.isExported && begun.caller == nil)
        #expect(tracer.begin(try head("traceparent: 00-\(Self.trace)-00000000000000fe-00\r\n")) == nil)
    }

    @Test("the app gets the gate's span as its parent, in place of the client's field", arguments: [true, false])
    func forwarded(isSampled: Bool) throws {
        let gate = try gate()
        for fields in ["", "traceparent: 00-\(Self.trace)-00000000000000fe-01\r\ntracestate: a=b\r\n"] {
            var request = AccessRequest(try head(fields), RequestContext(peer: nil, now: noon))
            request.trace = TraceContext(
                Self.words, caller: nil, server: 1, client: 0x00f0_0000_0000_000a, isSampled: isSampled,
                isExported: true)
            gate.read(&request)
            var out: [UInt8] = []
            gate.forwarding.writeHead(request, for: nil, into: &out)
            let lines = String(decoding: out, as: UTF8.self).split(separator: "\r\n")
            #expect(
                lines.filter { $0.hasPrefix("traceparent") }
                    == ["traceparent: 00-\(Self.trace)-00f000000000000a-0\(isSampled ? 1 : 0)"])
            #expect(lines.contains("tracestate: a=b") == !fields.isEmpty)
            request.reset()
            #expect(request.trace == nil)
        }
    }
}
