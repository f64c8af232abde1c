// SPDX-License-Identifier: Apache-2.0

import Reactor

/// One request over a unix socket, up to the status line. It lives until it has ended.
final class UnixProbe: TransportOwner {
    private let loop: EventLoop
    private var completion: ((Result<Int, DoctorProblem>) -> Void)?
    private var transport: Transport?
    private var deadline: LoopTimer?
    private var line: [UInt8] = []
    private let request: [UInt8]

    /// - Parameter line: method and target.
    @discardableResult
    init(
        _ path: String, _ line: String, loop: EventLoop, timeout: Nanoseconds,
        _ completion: @escaping (Result<Int, DoctorProblem>) -> Void
    ) {
        self.loop = loop
        request = Array("\(line) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        self.completion = completion
        let timer = loop.makeTimer { [self] in finish(.failure(DoctorProblem("no complete answer in time"))) }
        deadline = timer
        timer.set(loop.now.advanced(by: timeout))
        Connector(to: [.unix(path)], timeout: timeout, loop: loop) { [self] result in
            switch result {
            case .success(let socket): begin(on: socket)
            case .failure(let error):
                finish(.failure(DoctorProblem("no connection: \(SystemError.message(error.code))")))
            }
        }
    }

    private func begin(on transport: Transport) {
        guard completion != nil else { return transport.close() }
        self.transport = transport
        transport.owner = self
        let request = request
        // Fits into the send buffer of a new socket.
        _ = transport.write(request.span)
    }

    func transportReadable() {
        guard let transport else { return }
        let end = transport.readTurn(
            while: { completion != nil && line.count < Self.wanted }, boundFor: { nil },
            receive: { span in
                for index in span.indices where line.count < Self.wanted { line.append(span[index]) }
            })
        if line.count == Self.wanted { return finish(Self.status(line)) }
        switch end {
        case .nothingNow: break
        case .end, .failed:
            finish(.failure(DoctorProblem("the connection was closed before the answer was complete")))
        }
    }

    func transportWritable() {}

    func transportPeerClosed(failed: Bool) {}

    /// `HTTP/1.1 200`
    private static func status(_ line: [UInt8]) -> Result<Int, DoctorProblem> {
        let text = String(decoding: line, as: UTF8.self)
        guard text.hasPrefix("HTTP/1."), let status = Int(text.suffix(3)), (100...599).contains(status) else {
            return .failure(DoctorProblem("what answers there does not speak HTTP/1.1"))
        }
        return .success(status)
    }

    private func finish(_ result: Result<Int, DoctorProblem>) {
        let completion = completion
        self.completion = nil
        deadline?.cancel()
        deadline = nil
        transport?.close()
        transport = nil
        completion?(result)
    }

    private static let wanted = 12
}
