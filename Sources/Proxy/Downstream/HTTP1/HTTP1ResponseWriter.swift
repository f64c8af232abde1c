// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import Reactor

/// Writes the responses of one HTTP/1.1 connection, one after the other.
final class HTTP1ResponseWriter {
    private let transport: Transport
    private let memory: LoopMemory
    private var output = OutputQueue()
    /// Of the current response.
    private var framing = ResponseRewrite.Framing.asReceived

    init(_ transport: Transport, _ memory: LoopMemory) {
        self.transport = transport
        self.memory = memory
    }

    /// The socket is full.
    var isBlocked: Bool { output.isBlocked }

    /// How many bytes the client has taken.
    var taken: UInt64 {
        let queued = UInt64(clamping: transport.queuedBytes)
        return output.written &- min(queued, output.written)
    }

    /// The end of the connection is the end of the current response.
    var endsWithConnection: Bool { framing == .untilClose }

    /// The framing that a client of `version` gets for content that the app delimits by `framing`.
    static func framing(_ framing: BodyFraming, for version: Version) -> ResponseRewrite.Framing {
        switch framing {
        case .none, .length: .asReceived
        case .chunked, .untilClose: version == .http11 ? .chunked : .untilClose
        }
    }

    /// Appends the head; content or its end follows at once.
    func begin(
        _ head: borrowing ResponseHead, _ framing: ResponseRewrite.Framing,
        _ persistence: ResponseRewrite.Persistence, extra: [UInt8]?
    ) {
        self.framing = framing
        prepare()
        ResponseRewrite.append(head, framing: framing, persistence: persistence, extra: extra, into: &output.bytes)
    }

    /// - Parameter more: more content follows at once, so a small piece may wait for it.
    func send(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) -> OutputQueue.Outcome {
        let isChunked = framing == .chunked
        if more, content.count < OutputQueue.coalescingLimit {
            prepare()
            if isChunked, !content.isEmpty { ChunkEncoder.header(length: content.count, into: &output.bytes) }
            output.bytes.append(span: content)
            if isChunked, !content.isEmpty { ChunkEncoder.chunkEnd(into: &output.bytes) }
            return .done
        }
        guard isChunked else { return flush(content, Span()) }
        if !content.isEmpty {
            prepare()
            ChunkEncoder.header(length: content.count, into: &output.bytes)
        }
        var outcome = OutputQueue.Outcome.done
        memory.withChunkTail(content: content.count, isEnd: isEnd, trailers: trailers) { outcome = flush(content, $0) }
        return outcome
    }

    /// Passes content on from the app's socket, if no framing belongs between its pieces.
    func splice(from source: Transport, atMost most: Int) -> SpliceOutcome {
        guard framing != .chunked else { return .unavailable }
        return output.splice(from: source, to: transport, atMost: most)
    }

    /// Sends a complete response of the gate's own.
    func send(
        _ response: LocalResponse, _ persistence: ResponseRewrite.Persistence, withContent: Bool
    ) -> OutputQueue.Outcome {
        framing = .asReceived
        prepare()
        ResponseRewrite.append(
            response, persistence: persistence, lastDateLine: memory.lastDateLine, into: &output.bytes)
        return flush(withContent ? response.body.span : Span(), Span())
    }

    func sendInformational(_ head: borrowing ResponseHead) -> OutputQueue.Outcome {
        prepare()
        ResponseRewrite.appendInformational(head, into: &output.bytes)
        return flush(Span(), Span())
    }

    func sendContinue() -> OutputQueue.Outcome {
        prepare()
        output.bytes.append(text: "HTTP/1.1 100 Continue\r\n\r\n")
        return flush(Span(), Span())
    }

    /// The socket has room again.
    func resume() -> OutputQueue.Outcome {
        let outcome = output.resume(to: transport)
        if outcome == .done { memory.recycleBuffer(&output.bytes) }
        return outcome
    }

    var unsent: [UInt8] { output.unsent }

    /// Discards what was not sent.
    func close() {
        output = OutputQueue()
    }

    private func prepare() {
        if output.bytes.capacity == 0 { output.bytes = memory.takeBuffer() }
    }

    @inline(__always)
    private func flush(_ content: Span<UInt8>, _ tail: Span<UInt8>) -> OutputQueue.Outcome {
        let outcome = output.send(content, tail, to: transport)
        if outcome == .done { memory.recycleBuffer(&output.bytes) }
        return outcome
    }
}
