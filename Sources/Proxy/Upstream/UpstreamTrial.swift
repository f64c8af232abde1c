// SPDX-License-Identifier: Apache-2.0

import Decisions
import Reactor
import TLS

/// Opens a connection to an app as for a request, up to where the request would be sent, and closes it: name, address, TLS
/// with the verified certificate, and over HTTP/2 the app's SETTINGS. It lives until it has ended.
package final class UpstreamTrial: TransportOwner {
    package typealias Completion = (UpstreamFault?) -> Void

    private let version: UpstreamConfiguration.Version
    private let loop: EventLoop
    private var completion: Completion?
    private var transport: Transport?
    private var deadline: LoopTimer?
    private var lastMoment = MonotonicTime(nanoseconds: 0)
    private let connectTimeout: Nanoseconds
    private let began: MonotonicTime
    /// The connection is open, and only an alert would tell that the app does not accept it.
    private var isAwaitingVerdict = false
    /// What has arrived of the app's first frame.
    private var received: [UInt8] = []

    /// - Parameters:
    ///   - patience: for all of it, and at most `connectTimeout` for each step.
    ///   - completion: called once, on `loop`, where this is called too, and never from within this call.
    @discardableResult
    package init(
        _ configuration: UpstreamConfiguration, loop: EventLoop, resolver: Resolver, patience: Nanoseconds,
        _ completion: @escaping Completion
    ) {
        self.loop = loop
        self.completion = completion
        version = configuration.version
        began = loop.now
        var hurried = configuration
        hurried.connectTimeout = min(configuration.connectTimeout, patience)
        connectTimeout = hurried.connectTimeout
        lastMoment = loop.now.advanced(by: patience).advanced(by: Self.margin)
        // The timer keeps the trial alive until it has ended.
        let timer = loop.makeTimer { [self] in end(isAwaitingVerdict ? nil : .connectTimeout) }
        deadline = timer
        timer.set(lastMoment)
        UpstreamConnector(hurried, loop: loop, resolver: resolver).connect { [self] result in
            switch result {
            case .success(let transport): connected(transport)
            case .failure(let fault): end(fault)
            }
        }
    }

    private func connected(_ transport: Transport) {
        guard completion != nil else { return transport.close() }
        self.transport = transport
        guard isHTTP2(transport) else { return awaitVerdict(on: transport) }
        deadline?.set(min(lastMoment, loop.now.advanced(by: connectTimeout)))
        transport.owner = self
        let greeting = Self.preface + Self.settings
        // Fits into the send buffer of a new socket.
        guard case .wrote = transport.write(greeting.span) else { return end(.http2NotSpoken) }
        loop.afterEvent { [self] in transportReadable() }
    }

    /// An app that asks for a certificate refuses it, or that there is none, in the round trip after a TLS 1.3 handshake;
    /// acceptance it need not report.
    private func awaitVerdict(on transport: Transport) {
        guard (transport as? TLSTransport)?.isCertificateRequested == true else { return end(nil) }
        isAwaitingVerdict = true
        transport.owner = self
        let roundTrips = Nanoseconds.seconds(loop.now.since(began).seconds * 2)
        deadline?.set(min(lastMoment, loop.now.advanced(by: max(roundTrips, Self.leastWait))))
        loop.afterEvent { [self] in transportReadable() }
    }

    private func isHTTP2(_ transport: Transport) -> Bool {
        switch version {
        case .http1: false
        case .http2: true
        case .negotiated: transport.negotiatedProtocol == "h2"
        }
    }

    package func transportReadable() {
        guard let transport, completion != nil else { return }
        let end = transport.readTurn(
            while: { completion != nil && received.count < Self.headerLength }, boundFor: { nil },
            receive: { span in
                for index in span.indices where received.count < Self.headerLength { received.append(span[index]) }
            })
        // RFC 9113 §3.4: the app's first frame is SETTINGS, on stream 0, and no acknowledgement.
        if received.count == Self.headerLength, !isAwaitingVerdict {
            return self.end(received[3] == 4 && received[4...] == [0, 0, 0, 0, 0] ? nil : .http2NotSpoken)
        }
        switch end {
        case .nothingNow: break
        case .end, .failed:
            self.end(UpstreamFault.refused(transport) ?? (isAwaitingVerdict ? .notSecured(.closed) : .http2NotSpoken))
        }
    }

    package func transportWritable() {}

    package func transportPeerClosed(failed: Bool) {}

    private func end(_ fault: UpstreamFault?) {
        let completion = completion
        self.completion = nil
        deadline?.cancel()
        deadline = nil
        transport?.close()
        transport = nil
        completion?(fault)
    }

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// An empty SETTINGS frame.
    private static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    /// Of a frame.
    private static let headerLength = 9
    private static let leastWait = Nanoseconds.milliseconds(100)
    /// A step's own time limit says more about the cause.
    private static let margin = Nanoseconds.milliseconds(250)
}
