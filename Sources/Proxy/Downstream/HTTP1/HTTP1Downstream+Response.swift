// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// Responses on the connection.
extension HTTP1Downstream: DownstreamStream {
    var isBlocked: Bool { writer.isBlocked }

    /// Output is bounded, and what the socket does not take follows soon.
    var holdsResponse: Bool { false }

    func sendInformational(_ head: borrowing ResponseHead) {
        // HTTP/1.0 has no 1xx (RFC 9110 §15.2).
        guard current.version == .http11 else { return }
        sent(writer.sendInformational(head))
    }

    func sendContinue() {
        sent(writer.sendContinue())
    }

    func sendHead(
        _ head: borrowing ResponseHead, extra: [UInt8]?, content: Span<UInt8>, isEnd: Bool, trailers: [UInt8],
        more: Bool
    ) {
        let framing = HTTP1ResponseWriter.framing(head.framing, for: current.version)
        // The rest of a request that is answered early is skipped only if it is short.
        if framing == .untilClose || phase == .content && !(isEnd && current.isSkippable) { endAfterResponse() }
        writer.begin(head, framing, persistence, extra: extra)
        sendContent(content, isEnd: isEnd, trailers: trailers, more: more)
    }

    func sendContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        guard phase != .closed else { return }
        sent(writer.send(content, isEnd: isEnd, trailers: trailers, more: more))
    }

    func spliceContent(from source: Transport, atMost most: Int) -> SpliceOutcome {
        guard phase != .closed else { return .unavailable }
        let outcome = writer.splice(from: source, atMost: most)
        switch outcome {
        case .moved(_, left: 0, _), .unavailable: break
        case .moved: sent(.blocked)
        case .broken: sent(.failed)
        }
        return outcome
    }

    func sendLocal(_ response: LocalResponse) {
        if response.closesConnection || phase == .content && !current.isSkippable { endAfterResponse() }
        sent(writer.send(response, persistence, withContent: !current.isHead))
    }

    private var persistence: ResponseRewrite.Persistence {
        guard isPersistent else { return .close }
        return current.version == .http10 ? .keepAlive : .implied
    }

    /// The client itself performs the handshake, and checks it.
    func acceptsSwitch(_ head: borrowing ResponseHead, of request: RequestHead) -> Bool { true }

    func switchProtocols(_ head: borrowing ResponseHead) -> SwitchedConnection? {
        guard phase != .closed else { return nil }
        let outcome = writer.sendInformational(head)
        guard outcome != .failed else {
            sent(outcome)
            return nil
        }
        return giveAway()
    }

    func abort(_ end: StreamEnd) {
        // A response that ends with the connection is only seen to be incomplete after a reset.
        close(abruptly: writer.endsWithConnection)
    }
}
