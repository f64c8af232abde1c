// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP1
import HTTP2
import Reactor
import TLS

/// A loss with its exact cause: a code, and the same in words that hold no data of the peer.
package struct UpstreamFault: Error, Equatable, Sendable, CustomStringConvertible {
    package let loss: UpstreamLoss
    package let cause: UpstreamCause
    package let detail: String

    init(_ loss: UpstreamLoss, _ cause: UpstreamCause, _ detail: String) {
        self.loss = loss
        self.cause = cause
        self.detail = detail
    }

    package var description: String { detail }

    /// It says something about the app, not about this one request: a stream that the app resets is often meant so.
    var isReported: Bool {
        switch loss {
        case .unreachable, .notSecured, .connectTimeout, .overloaded, .closed, .responseTimeout, .malformed: true
        case .reset, .refused: false
        }
    }

    // MARK: Connecting

    /// - Parameter reason: the system's words.
    static func nameNotResolved(_ reason: String) -> UpstreamFault {
        UpstreamFault(.unreachable, .nameNotResolved, "the name cannot be resolved: \(reason)")
    }

    static func notConnected(_ error: SystemError) -> UpstreamFault {
        if error.isTimeout { return connectTimeout }
        let cause: UpstreamCause =
            if error.isRefusal {
                .connectionRefused
            } else if error.isUnreachable {
                .hostUnreachable
            } else if error.isMissing {
                .socketMissing
            } else if error.isDenial {
                .socketDenied
            } else if error.isOutOfDescriptors {
                .noDescriptors
            } else {
                .connectFailed
            }
        return UpstreamFault(.unreachable, cause, SystemError.message(error.code))
    }

    static func notSecured(_ error: TLSError) -> UpstreamFault {
        switch error {
        case .timeout: UpstreamFault(.connectTimeout, .tlsTimeout, error.description)
        case .certificate: UpstreamFault(.notSecured, .certificateNotTrusted, error.description)
        case .refused: UpstreamFault(.notSecured, .tlsRefused, error.description)
        case .malformed: UpstreamFault(.notSecured, .tlsInvalid, error.description)
        case .closed: UpstreamFault(.notSecured, .tlsClosed, error.description)
        case .system, .configuration: UpstreamFault(.notSecured, .tlsFailed, error.description)
        }
    }

    /// The app ended a connection by an alert, before it sent anything: nil otherwise. With TLS 1.3 it refuses a certificate,
    /// or that there is none, when the handshake is over for the gate (RFC 8446 §4.4.2.4).
    static func refused(_ transport: Transport) -> UpstreamFault? {
        refused((transport as? TLSTransport)?.error)
    }

    static func refused(_ error: TLSError?) -> UpstreamFault? {
        guard let error, case .refused = error else { return nil }
        return notSecured(error)
    }

    static let connectTimeout = UpstreamFault(
        .connectTimeout, .connectTimeout, "no connection within upstream.connectTimeout")

    static let connectionsInUse = UpstreamFault(
        .overloaded, .connectionsInUse, "no connection became free within upstream.connectTimeout")

    static let queueFull = UpstreamFault(
        .overloaded, .queueFull, "too many requests wait for a connection")

    // MARK: The response

    static let responseTimeout = UpstreamFault(
        .responseTimeout, .responseTimeout, "no response within upstream.responseTimeout")

    static let responsePaused = UpstreamFault(
        .responseTimeout, .responsePaused, "the response paused for longer than upstream.idleTimeout")

    static let streamRefused = UpstreamFault(.refused, .streamRefused, "the app did not process the request")

    static func streamReset(_ code: ErrorCode) -> UpstreamFault {
        UpstreamFault(.reset(StreamEnd(code)), .streamReset, "the app reset the stream: \(code.name)")
    }

    static func malformed(_ error: HTTP1Error) -> UpstreamFault {
        UpstreamFault(.malformed, error.cause, "the response has \(error.description)")
    }

    static func malformed(_ fault: MalformedHead) -> UpstreamFault {
        UpstreamFault(.malformed, fault.cause, "the response has \(fault.description)")
    }

    static let upgradeUnexpected = UpstreamFault(
        .malformed, .upgradeUnexpected, "the app switched protocols, which was not requested")

    static let http2NotSpoken = UpstreamFault(
        .malformed, .http2NotSpoken, "the connection ended before the app began to speak HTTP/2")

    static func http2Violation(_ code: ErrorCode, wasReused: Bool) -> UpstreamFault {
        UpstreamFault(.closed(wasReused: wasReused), .http2Violation, "the app broke a rule of HTTP/2: \(code.name)")
    }
}
