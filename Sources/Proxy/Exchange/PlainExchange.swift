// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import HTTP1
import Reactor

/// An exchange without a gate: reads the request, and answers it by the function of its ``PlainService``, at once or piece
/// by piece.
final class PlainExchange: Exchange, FinishedExchange {
    private enum State {
        /// The head is being read.
        case reading
        /// The content is being read.
        case collecting
        /// The response is awaited.
        case answering
        /// The response has begun, and its content is asked for.
        case streaming(any ResponseSource)
        case ended
    }

    private let service: PlainService
    private(set) var record = ExchangeRecord()
    private var state = State.reading
    private var content: [UInt8] = []
    private var isRequestComplete = true
    private var timer: LoopTimer?
    private var preparation = PlainPreparation()

    init(_ service: PlainService) {
        self.service = service
    }

    /// No address of a gate.
    var purpose: RequestPurpose { .other }

    override func began() {
        state = .reading
        isRequestComplete = true
        withAccess { $0.context = RequestContext(peer: nil, now: service.loop.wallClock) }
        record.begin(service.loop.now)
    }

    // MARK: The request

    override func requestHeadReceived(_ peer: Peer, contentFollows: Bool) {
        withAccess { access in
            access.context = peer.context(service.clock)
            if let tracing = service.tracing, tracing.spans != nil {
                access.trace = tracing.tracer.trace(of: access.head)
            }
        }
        isRequestComplete = !hasContent
        prepare()
        guard preparation.readsContent, hasContent else { return answer() }
        state = .collecting
        if case .length(let length) = request.framing, length > UInt64(preparation.contentLimit) {
            return send(preparation.tooLarge)
        }
        if let time = preparation.contentTime { setTimer(service.loop.now.advanced(by: time)) }
        if request.expectsContinue, !contentFollows { downstream?.sendContinue() }
        downstream?.resumeRequest()
    }

    private func prepare() {
        switch service.handler {
        case .function: preparation = PlainPreparation(readsContent: service.readsContent)
        case .responder(let responder): preparation = responder.prepare(for: plainRequest)
        }
    }

    private var plainRequest: PlainRequest {
        PlainRequest(request, context, credentials: peerNames.credentials)
    }

    override var wantsContent: Bool {
        guard case .collecting = state else { return false }
        return !isRequestComplete
    }

    override func requestContent(_ content: Span<UInt8>, isEnd: Bool, trailers: [UInt8], more: Bool) {
        guard case .collecting = state else { preconditionFailure("content in state \(state)") }
        if isEnd { isRequestComplete = true }
        guard self.content.count + content.count <= preparation.contentLimit else { return send(preparation.tooLarge) }
        self.content.append(span: content)
        if isEnd { answer() }
    }

    override var contentCount: UInt64 { UInt64(content.count) }

    override var contentWait: ContentWait { wantsContent ? .measured : .none }

    override func requestTooSlow() {
        service.endedSlow(.request)
        refuse(status: 408, .requestTooSlow)
    }

    override func responseTooSlow() {
        service.endedSlow(.response)
        responseStalled()
    }

    override func responseStalled() {
        record.ended(.responseTooSlow)
        record.isAborted = true
        downstream?.abort(.cancelled)
        end()
    }

    override func refuse(status: UInt16, _ reason: Reason, detail: String?) {
        switch state {
        case .reading, .collecting: break
        case .answering, .streaming, .ended: return
        }
        var response = status == 408 ? preparation.requestTooSlow : LocalResponse(status: status)
        response.closesConnection = true
        send(response) { $0.malformed(status, reason, detail: detail) }
    }

    override func downstreamLost() {
        guard downstream != nil else { return }
        record.isAborted = true
        end()
    }

    // MARK: The response

    private func answer() {
        state = .answering
        let content = content
        switch service.handler {
        case .function(let respond): send(respond(request, content, context.now))
        case .responder(let responder): ask(responder)
        }
    }

    private func ask(_ responder: any PlainResponder) {
        let (number, loop) = (number, service.loop)
        let answered = { [self] (response: PlainResponse) in
            // A response after the time limit, or after the client has gone, is for another request.
            guard self.number == number, case .answering = state else {
                if case .streamed(_, let source) = response { source.ended() }
                return
            }
            switch response {
            case .complete(let response): send(response)
            case .streamed(let head, let source): stream(head, source)
            }
        }
        setTimer(loop.now.advanced(by: Self.timeLimit))
        if preparation.endsWithClient {
            // Not from within this event, in which the client's connection stops reading.
            loop.afterEvent { [self] in if self.number == number, endsWithClient { downstream?.watchEnd() } }
        }
        let waiter = loop.bind(answered)
        responder.answer(plainRequest.with(content: content), account: preparation.account) { response in
            loop.submit { waiter.assumeOnLoop { $0(response) } }
        }
    }

    private func setTimer(_ time: MonotonicTime) {
        let timer = timer ?? service.loop.makeTimer { [unowned self] in timeCame() }
        self.timer = timer
        timer.set(time)
    }

    private func timeCame() {
        switch state {
        case .answering: send(preparation.overdue)
        case .streaming: sendPieces()
        case .collecting: refuse(status: 408, .bodyTimeout, detail: nil)
        case .reading, .ended: break
        }
    }

    private func send(_ response: LocalResponse, _ note: (inout ExchangeRecord) -> Void = { _ in }) {
        guard let downstream else { return }
        record.answered(response)
        note(&record)
        if let account = preparation.account { downstream.keepUntilSent(account) }
        var response = response
        if service.endsConnection { response.closesConnection = true }
        downstream.sendLocal(response)
        end(isResponseComplete: true)
    }

    private func end(isResponseComplete: Bool = false) {
        guard let downstream = leaveDownstream() else { return }
        if case .streaming(let source) = state { source.ended() }
        state = .ended
        timer?.cancel()
        let isHeld = isResponseComplete && downstream.holdsResponse
        if !isHeld { service.finished(self, context) }
        if isResponseComplete { downstream.exchangeFinished(isRequestComplete: isRequestComplete) }
        if !isHeld { release() }
    }

    // MARK: A response in pieces

    override var isEventStream: Bool {
        if case .streaming = state { true } else { false }
    }

    override var endsWithClient: Bool {
        switch state {
        case .answering: preparation.endsWithClient
        case .streaming: true
        case .reading, .collecting, .ended: false
        }
    }

    override func downstreamWritable() { sendPieces() }

    /// Ends a response that may have no end of its own: the server stops.
    func endStream() {
        guard case .streaming = state else { return }
        downstream?.sendContent(Span(), isEnd: true, trailers: [], more: false)
        end(isResponseComplete: true)
    }

    private func stream(_ response: LocalResponse, _ source: any ResponseSource) {
        let isBare = request.method == .head
        guard let downstream, let head = ResponseHead(of: response, hasContent: !isBare) else {
            source.ended()
            return send(LocalResponse(status: 500))
        }
        timer?.cancel()
        record.answered(response)
        guard !isBare else {
            source.ended()
            downstream.sendHead(
                head, extra: service.dateLine, content: Span(), isEnd: true, trailers: [], more: false)
            return end(isResponseComplete: true)
        }
        state = .streaming(source)
        let (number, loop) = (number, service.loop)
        let woken = loop.bind { [self] in if self.number == number { sendPieces() } }
        source.start { loop.submit { woken.assumeOnLoop { $0() } } }
        downstream.watchEnd()
        downstream.sendHead(head, extra: service.dateLine, content: Span(), isEnd: false, trailers: [], more: false)
        sendPieces()
    }

    /// Sends what the source has, as long as the client takes it. Some at a time: that a write has failed is only known
    /// after the event.
    private func sendPieces() {
        var left = Self.piecesAtOnce
        while case .streaming(let source) = state, let downstream, !downstream.isBlocked {
            guard left > 0 else {
                let number = number
                return service.loop.afterEvent { [self] in if self.number == number { sendPieces() } }
            }
            left -= 1
            switch source.next(service.loop.now) {
            case .content(let piece):
                record.bytesSent += UInt64(piece.count)
                downstream.sendContent(piece.span, isEnd: false, trailers: [], more: false)
            case .wait(.distantFuture): return timer?.cancel() ?? ()
            case .wait(let time): return setTimer(time)
            case .end: return endStream()
            }
        }
    }

    override func responseSent(isComplete: Bool) {
        if !isComplete { record.isAborted = true }
        service.finished(self, context)
        release()
    }

    private func release() {
        content = []
        preparation = PlainPreparation()
        resetRequest()
        recycle()
    }

    override func recycle() {
        service.recycle(self)
    }

    private static let piecesAtOnce = 32
    /// How long a response may take.
    private static let timeLimit = Nanoseconds.seconds(10)
}

extension ResponseHead {
    /// The head of a response whose content has no known length. Nil: it is none that HTTP knows.
    fileprivate init?(of response: LocalResponse, hasContent: Bool) {
        let fields = String(decoding: response.fieldBlock, as: UTF8.self)
        do throws(HTTP1Error) {
            try self.init(parsing: "HTTP/1.1 \(response.status) \r\n\(fields)\r\n")
        } catch {
            return nil
        }
        framing = hasContent ? .chunked : .none
    }
}
