// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import HTTP
import HTTP1
import Proxy
import Reactor
import TestSupport
import Testing

/// Content of random size and framing, cut at random places, either side stalling at random: what arrives is what was
/// sent. Every seed is a test of its own and comes out the same, but for the kernel's timing.
@Suite("Random content")
struct RandomContentTests {
    @Test("what is sent is what arrives", arguments: EventLoop.Kind.allCases, 1...12)
    func arrives(kind: EventLoop.Kind, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        try Stage.run(
            kind, app: App(receiveBuffer: seed % 3 == 0 ? 4096 : 0), configure: { $0.upstream.maxConnections = 1 }
        ) { stage in
            var browser = try stage.browser(receiveBuffer: seed % 2 == 0 ? 4096 : 0)
            var app: Wire?
            for number in 0..<12 {
                let plan = Plan(number, &random)
                let play = Play(browser: browser, app: app, plan: plan)
                try play.run(stage, &random)
                #expect(play.requestContent == SHA256.hash(plan.requestContent.span), "\(plan)")
                #expect(play.responseContent == SHA256.hash(plan.responseContent.span), "\(plan)")
                #expect(play.requestTrailers == (plan.requestIsChunked ? plan.trailers : ""), "\(plan)")
                #expect(
                    play.responseTrailers == (plan.framing == .chunked && plan.isHTTP11 ? plan.trailers : ""),
                    "\(plan)")
                app = plan.framing == .untilClose ? nil : play.app
                if play.mustReconnectBrowser { browser = try stage.browser() }
            }
        }
    }
}

/// One exchange.
private struct Plan: CustomStringConvertible {
    let requestContent: [UInt8]
    let requestIsChunked: Bool
    let responseContent: [UInt8]
    let framing: BodyFraming
    let isHTTP11: Bool
    /// The response begins before the request is whole.
    let isEarly: Bool
    let trailers: String
    let request: [UInt8]
    let response: [UInt8]
    let description: String

    init(_ number: Int, _ random: inout SeededGenerator) {
        isHTTP11 = Int.random(in: 0..<6, using: &random) > 0
        requestContent = random.bytes(Self.size(&random))
        requestIsChunked = isHTTP11 && Bool.random(using: &random)
        responseContent = random.bytes(Self.size(&random))
        framing =
            [.length(UInt64(responseContent.count)), .chunked, .untilClose][Int.random(in: 0..<3, using: &random)]
        isEarly = Int.random(in: 0..<4, using: &random) == 0
        trailers = Bool.random(using: &random) ? "X-Sum: \(number)\r\nX-More: a b\r\n" : ""
        let method = requestContent.isEmpty && !requestIsChunked ? "GET" : "POST"
        var request = Array(
            Stage.request(
                "\(method) /\(number)",
                requestIsChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(requestContent.count)",
                "X-Long: " + String(repeating: "y", count: Int.random(in: 0..<3000, using: &random)),
                version: isHTTP11 ? "HTTP/1.1" : "HTTP/1.0"
            ).utf8)
        request += requestIsChunked ? Self.chunks(requestContent, trailers, &random) : requestContent
        self.request = request
        var response = Array("HTTP/1.1 200 OK\r\n".utf8)
        switch framing {
        case .length: response += Array("Content-Length: \(responseContent.count)\r\n\r\n".utf8) + responseContent
        case .chunked:
            response += Array("Transfer-Encoding: chunked\r\n\r\n".utf8)
            response += Self.chunks(responseContent, trailers, &random)
        case .none, .untilClose: response += Array("\r\n".utf8) + responseContent
        }
        self.response = response
        description =
            "\(requestContent.count) bytes\(requestIsChunked ? " in chunks" : ""), answered by \(responseContent.count) "
            + "\(framing)\(isEarly ? " early" : "")\(isHTTP11 ? "" : ", HTTP/1.0")"
    }

    private static func size(_ random: inout SeededGenerator) -> Int {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: 0
        case 1: Int.random(in: 1..<20, using: &random)
        case 2, 3: Int.random(in: 1..<9000, using: &random)
        case 4: Int.random(in: 30000..<70000, using: &random)
        default: Int.random(in: 1..<600_000, using: &random)
        }
    }

    private static func chunks(_ content: [UInt8], _ trailers: String, _ random: inout SeededGenerator) -> [UInt8] {
        var output: [UInt8] = []
        var start = 0
        while start < content.count {
            let bound = min(content.count - start, 1 << Int.random(in: 0..<18, using: &random))
            let count = Int.random(in: 1...bound, using: &random)
            let `extension` = Int.random(in: 0..<8, using: &random) == 0 ? ";a=\"b;c\"" : ""
            output += Array((String(count, radix: 16) + `extension` + "\r\n").utf8)
            output += content[start..<start + count] + [13, 10]
            start += count
        }
        return output + Array(("0\r\n" + trailers + "\r\n").utf8)
    }
}

/// Both ends of one exchange, each sending and receiving a little now and then.
private final class Play {
    private(set) var app: Wire?
    private let browser: Wire
    private let plan: Plan
    private var requestSent = 0
    private var responseSent = 0
    private var requestHead = RequestHead()
    private var requestParser = RequestParser()
    private var requestDecoder: BodyDecoder?
    private var requestBytes: [UInt8] = []
    private var responseHead = ResponseHead()
    private var responseParser = ResponseParser()
    private var responseDecoder: BodyDecoder?
    private var responseBytes: [UInt8] = []
    private var responseIsWhole = false

    init(browser: Wire, app: Wire?, plan: Plan) {
        self.browser = browser
        self.app = app
        self.plan = plan
    }

    var requestContent: [UInt8] {
        let bytes = requestBytes
        return SHA256.hash(bytes.span)
    }
    var responseContent: [UInt8] {
        let bytes = responseBytes
        return SHA256.hash(bytes.span)
    }
    var requestTrailers: String { String(decoding: requestDecoder?.trailers ?? [], as: UTF8.self) }
    var responseTrailers: String { String(decoding: responseDecoder?.trailers ?? [], as: UTF8.self) }
    var mustReconnectBrowser: Bool { !responseHead.isPersistent }

    func run(_ stage: Stage, _ random: inout SeededGenerator) throws {
        var idle = 0
        while !responseIsWhole || requestDecoder?.isEnded != true {
            if app == nil, try !stage.app.isSilent() { app = try stage.app.accept() }
            let bound = 1 << Int.random(in: 0..<18, using: &random)
            let progress: Bool
            switch Int.random(in: 0..<4, using: &random) {
            case 0: progress = try sendRequest(bound)
            case 1: progress = try sendResponse(bound)
            case 2: progress = try receiveRequest(bound)
            default: progress = try receiveResponse(bound)
            }
            idle = progress ? 0 : idle + 1
            if idle > 40 {
                try waitForAnything(stage)
                idle = 0
            }
        }
        if plan.isEarly {
            // Whether the proxy keeps the connection depends on which end it saw first.
            app?.finish()
            try stage.wait { $0.upstreamConnectionCount == 0 }
            app = nil
        }
    }

    private func sendRequest(_ bound: Int) throws -> Bool {
        let count = try browser.sendSome(plan.request[requestSent...].prefix(bound))
        requestSent += count
        return count > 0
    }

    private func sendResponse(_ bound: Int) throws -> Bool {
        guard let app, requestDecoder != nil else { return false }
        let isRequestWhole = requestDecoder?.isEnded == true
        guard isRequestWhole || plan.isEarly else { return false }
        // The last byte waits for the request's last: otherwise the rest of the request would not be read.
        let end = isRequestWhole ? plan.response.count : plan.response.count - 1
        guard responseSent < end else { return false }
        let count = try app.sendSome(plan.response[responseSent..<end].prefix(bound))
        responseSent += count
        if responseSent == plan.response.count, plan.framing == .untilClose { app.finish() }
        return count > 0
    }

    private func receiveRequest(_ bound: Int) throws -> Bool {
        guard let app, let bytes = try app.receiveNow(bound) else { return false }
        guard !bytes.isEmpty else {
            if responseSent == plan.response.count { return false }
            throw Wire.Failure.ended
        }
        var rest = bytes.span
        if requestDecoder == nil {
            let progress = try requestParser.parseHead(rest, into: &requestHead)
            rest = rest.extracting(progress.consumed...)
            if progress.isComplete { requestDecoder = BodyDecoder(requestHead.framing) }
        }
        while !rest.isEmpty {
            guard let piece = try requestDecoder?.decode(rest), piece.consumed > 0 else { throw Wire.Failure.system(0) }
            for index in piece.content { requestBytes.append(rest[index]) }
            rest = rest.extracting(piece.consumed...)
        }
        return true
    }

    private func receiveResponse(_ bound: Int) throws -> Bool {
        guard let bytes = try browser.receiveNow(bound) else { return false }
        guard !bytes.isEmpty else {
            guard !responseIsWhole else { return false }
            try responseDecoder?.endOfInput()
            guard responseDecoder?.isEnded == true else { throw Wire.Failure.ended }
            responseIsWhole = true
            return true
        }
        var rest = bytes.span
        if responseDecoder == nil {
            let progress = try responseParser.parseHead(rest, into: &responseHead, requestMethod: requestHead.method)
            rest = rest.extracting(progress.consumed...)
            if progress.isComplete { responseDecoder = BodyDecoder(responseHead.framing) }
        }
        while !rest.isEmpty {
            guard let piece = try responseDecoder?.decode(rest), piece.consumed > 0 else {
                throw Wire.Failure.system(0)
            }
            for index in piece.content { responseBytes.append(rest[index]) }
            rest = rest.extracting(piece.consumed...)
        }
        if responseDecoder?.isEnded == true { responseIsWhole = true }
        return true
    }

    private func waitForAnything(_ stage: Stage) throws {
        var waits = [(browser.descriptor, responseIsWhole ? 0 : POLLIN)]
        if requestSent < plan.request.count { waits[0].1 |= POLLOUT }
        if let app {
            waits.append((app.descriptor, requestDecoder?.isEnded == true ? 0 : POLLIN))
            if requestDecoder != nil, responseSent < plan.response.count,
                requestDecoder?.isEnded == true || plan.isEarly
            {
                // With all but the last byte of an early response sent it is the request that is waited for.
                if requestDecoder?.isEnded == true || responseSent < plan.response.count - 1 { waits[1].1 |= POLLOUT }
            }
        } else {
            waits.append((stage.app.listener, POLLIN))
        }
        try Wire.wait(waits)
    }
}
