// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import HTTP1

/// The interpretation of a peer's bytes as text: message after message, until an error or the end.
///
/// Two ways of dividing the same bytes must give the same transcript.
struct Transcript: CustomStringConvertible {
    private(set) var description = ""
    /// The error that ended it.
    private(set) var error: HTTP1Error?
    /// The number of bytes consumed before the error or the end.
    private(set) var consumed = 0
    private(set) var requests: [RequestHead] = []
    private(set) var responses: [ResponseHead] = []
    /// Deviations that were accepted.
    private(set) var tolerated = TolerationSet()

    private enum Kind { case request, response(Method) }

    /// A client's bytes, divided into `pieces`.
    static func ofRequests(_ pieces: [ArraySlice<UInt8>], limits: HTTP1Limits = HTTP1Limits()) -> Transcript {
        var transcript = Transcript()
        transcript.read(pieces, .request, limits)
        return transcript
    }

    /// An app's bytes, after which the connection closes.
    static func ofResponses(
        _ pieces: [ArraySlice<UInt8>], to method: Method, limits: HTTP1Limits = HTTP1Limits(),
        leniency: ResponseLeniency = .strict
    ) -> Transcript {
        var transcript = Transcript()
        transcript.read(pieces, .response(method), limits, leniency)
        return transcript
    }

    private mutating func read(
        _ pieces: [ArraySlice<UInt8>], _ kind: Kind, _ limits: HTTP1Limits, _ leniency: ResponseLeniency = .strict
    ) {
        var requestParser = RequestParser(limits: limits)
        var responseParser = ResponseParser(limits: limits, leniency: leniency)
        var request = RequestHead()
        var response = ResponseHead()
        var body: BodyDecoder?
        var content: [UInt8] = []
        do throws(HTTP1Error) {
            for piece in pieces {
                // A new copy each time: what the parsers keep must not point into it.
                let input = Array(piece)
                var offset = 0
                while offset < input.count {
                    let rest = input.span.extracting(offset...)
                    if var decoder = body {
                        let part = try decoder.decode(rest)
                        content += input[offset + part.content.lowerBound..<offset + part.content.upperBound]
                        guard part.consumed > 0 else { return fail("no progress in content") }
                        if part.isEnd != decoder.isEnded { return fail("isEnd and isEnded differ") }
                        offset += part.consumed
                        consumed += part.consumed
                        body = decoder
                        tolerated.formUnion(decoder.tolerated)
                        if part.isEnd {
                            write(content, decoder.trailers)
                            content = []
                            body = nil
                        }
                        continue
                    }
                    let progress: HeadProgress
                    switch kind {
                    case .request: progress = try requestParser.parseHead(rest, into: &request)
                    case .response(let method):
                        progress = try responseParser.parseHead(rest, into: &response, requestMethod: method)
                    }
                    if !progress.isComplete, progress.consumed != rest.count { return fail("left bytes of a head") }
                    offset += progress.consumed
                    consumed += progress.consumed
                    guard progress.isComplete else { continue }
                    let framing: BodyFraming
                    switch kind {
                    case .request:
                        write(request)
                        requests.append(request)
                        framing = request.framing
                    case .response:
                        write(response)
                        responses.append(response)
                        tolerated.formUnion(responseParser.tolerated)
                        framing = response.framing
                    }
                    let decoder = BodyDecoder(framing, limits: limits, leniency: leniency)
                    if !decoder.isEnded { body = decoder }
                }
            }
            if var decoder = body {
                // Content before the truncation is still content.
                let trailers = decoder.trailers
                do throws(HTTP1Error) {
                    try decoder.endOfInput()
                    write(content, trailers)
                } catch {
                    write(content, trailers)
                    throw error
                }
            }
        } catch {
            if !content.isEmpty, body != nil, error != .cutShort { write(content, []) }
            self.error = error
            description += "error: \(Transcript.name(of: error))\n"
        }
    }

    private mutating func fail(_ text: String) {
        description += "BROKEN: \(text)\n"
    }

    private mutating func write(_ head: RequestHead) {
        func text(_ range: ByteRange) -> String { Transcript.escaped(head.bytes[range.range]) }
        description += "request \(head.method) \(text(head.methodName)) \(head.targetForm) \(text(head.target))\n"
        description += "  path \(text(head.path)) query \(head.query.map(text) ?? "-")\n"
        description += "  authority \(text(head.authority)) \(head.version) framing \(head.framing)\n"
        var flags = ""
        if head.isPersistent { flags += " persistent" }
        if head.expectsContinue { flags += " expects-continue" }
        if head.wantsUpgrade { flags += " wants-upgrade" }
        if head.nominatesFields { flags += " nominates-fields" }
        if !flags.isEmpty { description += " \(flags)\n" }
        for field in head.fields { description += "  \(field.known) \(text(field.name)): \(text(field.value))\n" }
    }

    private mutating func write(_ head: ResponseHead) {
        func text(_ range: ByteRange) -> String { Transcript.escaped(head.bytes[range.range]) }
        description += "response \(head.status) [\(text(head.reason))] \(head.version) framing \(head.framing)"
        description += "\(head.isPersistent ? " persistent" : "")\(head.nominatesFields ? " nominates-fields" : "")\n"
        for field in head.fields { description += "  \(field.known) \(text(field.name)): \(text(field.value))\n" }
    }

    private mutating func write(_ content: [UInt8], _ trailers: [UInt8]) {
        description += "content \(content.count) [\(Transcript.escaped(content[...]))]\n"
        if !trailers.isEmpty { description += "trailers [\(Transcript.escaped(trailers[...]))]\n" }
    }

    static func escaped(_ bytes: ArraySlice<UInt8>) -> String {
        var text = ""
        for byte in bytes {
            if 0x20...0x7e ~= byte, byte != UInt8(ascii: "\\") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "\\" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text
    }

    /// The case's name, as in the corpus.
    static func name(of error: HTTP1Error) -> String { error.rawValue }
}

/// `bytes` as a whole, in single bytes, or divided in two at every position: all must give the same ``Transcript``.
enum Cut {
    static func whole(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] { [bytes[...]] }
    static func single(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] { bytes.indices.map { bytes[$0...$0] } }
    static func inTwo(_ bytes: [UInt8], at place: Int) -> [ArraySlice<UInt8>] { [bytes[..<place], bytes[place...]] }
}
