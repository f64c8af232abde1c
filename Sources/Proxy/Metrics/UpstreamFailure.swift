// SPDX-License-Identifier: Apache-2.0

import Decisions

/// How a request failed between the gate and the app. The raw value is the label `reason` of
/// `sidegate_upstream_errors_total`.
package enum UpstreamFailure: String, Sendable, CaseIterable {
    case unreachable
    case connectTimeout = "connect_timeout"
    case notSecured = "not_secured"
    case overloaded
    case refused
    case closed
    case reset
    case responseTimeout = "response_timeout"
    case malformed

    package init(_ cause: UpstreamCause) {
        self =
            switch cause {
            case .nameNotResolved, .connectionRefused, .hostUnreachable, .socketMissing, .socketDenied, .noDescriptors,
                .connectFailed:
                .unreachable
            case .connectTimeout, .tlsTimeout: .connectTimeout
            case .certificateNotTrusted, .tlsRefused, .tlsInvalid, .tlsClosed, .tlsFailed: .notSecured
            case .connectionsInUse, .queueFull: .overloaded
            case .streamRefused: .refused
            case .closedBeforeResponse, .closedInHead, .closedInContent, .http2Violation: .closed
            case .streamReset: .reset
            case .responseTimeout, .responsePaused: .responseTimeout
            case .statusLineInvalid, .versionNotSupported, .statusInvalid, .lineEndInvalid, .characterInvalid,
                .fieldNameInvalid, .fieldNameAmbiguous, .spaceBeforeColon, .fieldFolded, .fieldInvalid, .headTooLarge,
                .upgradeUnexpected, .contentLengthInvalid, .contentLengthRepeated, .contentLengthContradicted,
                .transferEncodingInvalid, .chunkInvalid, .trailersInvalid, .http2NotSpoken:
                .malformed
            }
    }

    package var reason: Reason {
        switch self {
        case .unreachable: .upstreamUnreachable
        case .connectTimeout: .upstreamConnectTimeout
        case .notSecured: .upstreamNotSecured
        case .overloaded: .upstreamOverloaded
        case .refused: .upstreamRefused
        case .closed: .upstreamClosed
        case .reset: .upstreamReset
        case .responseTimeout: .upstreamResponseTimeout
        case .malformed: .upstreamMalformed
        }
    }

    /// No connection to the app could be made over which a request can be sent.
    static func isUnreachable(_ cause: UpstreamCause) -> Bool {
        switch UpstreamFailure(cause) {
        case .unreachable, .connectTimeout, .notSecured: true
        case .overloaded, .refused, .closed, .reset, .responseTimeout, .malformed: cause == .http2NotSpoken
        }
    }
}
