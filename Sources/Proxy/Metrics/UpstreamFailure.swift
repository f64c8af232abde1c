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

    init(_ loss: UpstreamLoss) {
        self =
            switch loss {
            case .unreachable: .unreachable
            case .connectTimeout: .connectTimeout
            case .notSecured: .notSecured
            case .overloaded: .overloaded
            case .refused: .refused
            case .closed: .closed
            case .reset: .reset
            case .responseTimeout: .responseTimeout
            case .malformed: .malformed
            }
    }

    var reason: Reason {
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

    /// No connection to the app could be made.
    var isUnreachable: Bool {
        switch self {
        case .unreachable, .connectTimeout: true
        case .notSecured, .overloaded, .refused, .closed, .reset, .responseTimeout, .malformed: false
        }
    }
}
