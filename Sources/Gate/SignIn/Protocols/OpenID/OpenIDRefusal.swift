// SPDX-License-Identifier: Apache-2.0

import Decisions
import Pages

/// Why a return from an OpenID provider signs nobody in, before there is an ID token to judge.
struct OpenIDRefusal: Error, CustomStringConvertible {
    let reason: Reason
    /// For logs. It holds nothing that a client could choose: only what this gate found, or a checked error code.
    let detail: String?
    /// For the page, besides the text of the reason.
    let cause: RefusalCause?

    var description: String { reason.rawValue }

    init(_ reason: Reason, _ detail: String? = nil, cause: RefusalCause? = nil) {
        self.reason = reason
        self.detail = detail
        self.cause = cause
    }

    var status: UInt16 {
        switch reason {
        case .providerUnavailable: 503
        case .tokenMissing, .tokenMalformed: 400
        default: 403
        }
    }

    var refusal: SignInRefusal {
        SignInRefusal(reason, detail: detail, cause: cause)
    }
}
