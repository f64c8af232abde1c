// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP

/// What becomes of a request.
package enum Decision {
    /// The app gets it, as `Forwarding.writeHead` writes it. `renewal` is a block of `Set-Cookie` lines (each with CRLF) to add to
    /// the response, when the session's idle time is to be restarted.
    case forward(Identity?, renewal: [UInt8]?)
    /// As `.forward`; with the app's response the session ends (`session.logoutPaths`).
    case forwardLogout(Identity, SignOut)
    /// As `.forward`, since nothing is enforced (`access.mode: observe`); `Observation` says what would have been done.
    case observed(Identity?, renewal: [UInt8]?, Observation)
    /// The gate answers itself; not one byte goes to the app.
    case respond(LocalResponse)
    /// The app gets it without identity: its own login page, in an emergency. `cookie` is a block of `Set-Cookie` lines
    /// when this very request opened the page, which is an event of the audit trail.
    case nativeLogin(cookie: [UInt8]?)
}

/// What `access.mode: enforce` would have done instead of letting a request pass.
package struct Observation: Sendable, Equatable {
    package let would: Outcome.Denial
    package let reason: Reason?
    /// What the log would say of the response besides.
    package let remark: Remark?

    package init(would: Outcome.Denial, reason: Reason?, remark: Remark? = nil) {
        self.would = would
        self.reason = reason
        self.remark = remark
    }

    /// - Parameter response: that is not sent.
    package init(insteadOf response: LocalResponse) {
        self.init(would: response.outcome.denial, reason: response.reason, remark: response.remark)
    }
}
