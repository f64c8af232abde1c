// SPDX-License-Identifier: Apache-2.0

/// A page that Sidegate shows a person by itself, with the facts it is about.
///
/// Every text may come from outside: it is escaped where it is written. URLs are checked too: what is neither a path on
/// this site nor `http` or `https` is left out, and the page then has no such link.
package enum Page: Equatable, Sendable {
    /// The body of a redirect, seen only when the browser does not follow it.
    case redirecting(to: String)
    /// A sign-in that was refused; `code` is a reason code, whose words the page takes from ``Reason``.
    case refused(code: String, requestID: String, account: String? = nil, tryAgain: String? = nil)
    /// Signed in, but not allowed here. `switchAccount` leads to logout.
    case notAllowed(code: String, account: String, requestID: String, switchAccount: String)
    /// The app has no seat left for this person.
    case noSeat(account: String?, requestID: String, tryAgain: String? = nil)
    /// After logout; `signIn` leads back in.
    case signedOut(signIn: String)
    /// A login that this browser did not start here; a person must agree, by a POST to `action`.
    case confirmSignIn(account: String, action: String, fields: [HiddenField], cancel: String = "/")
    /// Logout that came by a link; a person must agree, by a POST to `action`.
    case confirmSignOut(account: String?, action: String, fields: [HiddenField] = [], cancel: String = "/")
    /// The browser keeps coming back without a session. `causes` are sentences, the likeliest first; empty: the usual ones.
    case loginLoop(causes: [String] = [], requestID: String, tryAgain: String)
    /// 502 or 504: the app did not answer, or not in time.
    case upstreamDown(status: UInt16, requestID: String, tryAgain: String? = nil)
    /// Any other refusal of a request: 400, 404, 408, 413, 429, 431, 500, 503 …; nil texts: the usual words of the status.
    case error(status: UInt16, title: String? = nil, message: String? = nil, requestID: String)
}

/// A form field the person does not see.
package struct HiddenField: Equatable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
