// SPDX-License-Identifier: Apache-2.0

/// What became of a request, as access lines, audit lines and metrics report it.
///
/// All that depends on an outcome switches over it without `default`, so a new one does not compile before the log, the
/// metrics, observe mode and forward-auth handle it. `docs/log.md` describes each.
package enum Outcome: Sendable, CaseIterable {
    // The request went to the app; or, in forward-auth, is allowed.
    case forward
    /// Without an identity.
    case open
    /// Forward-auth: allowed in observe mode only.
    case observe
    case nativeLogin

    // The request needs a session.
    case redirect
    case unauthenticated

    // Signing in and out.
    case choose
    case confirm
    case signIn
    case signedIn
    case guest
    case loginLoop
    case logout

    // The gate's other responses.
    case session
    case sessionUnknown
    case keys
    case answer

    // Refusals and failures.
    case refused
    case notFound
    case forwardAuth
    case limited
    case badRequest
    case malformed
    case upstreamFailure

    /// The client went away before anything was decided.
    case none

    /// The public word, in `decision` of access lines.
    package var name: StaticString {
        switch self {
        case .forward: "forward"
        case .open: "open"
        case .observe: "observe"
        case .nativeLogin: "native-login"
        case .redirect: "redirect"
        case .unauthenticated: "unauthenticated"
        case .choose: "choose"
        case .confirm: "confirm"
        case .signIn: "sign-in"
        case .signedIn: "signed-in"
        case .guest: "guest"
        case .loginLoop: "login-loop"
        case .logout: "logout"
        case .session: "session"
        case .sessionUnknown: "session-unknown"
        case .keys: "keys"
        case .answer: "answer"
        case .refused: "refused"
        case .notFound: "not-found"
        case .forwardAuth: "forward-auth"
        case .limited: "limited"
        case .badRequest: "bad-request"
        case .malformed: "malformed"
        case .upstreamFailure: "upstream-failure"
        case .none: "none"
        }
    }
}

extension Outcome {
    /// How a request that is not let through is turned away. The raw value is the public word, in `would` of access lines
    /// and metrics.
    package enum Denial: String, Sendable, CaseIterable {
        /// To the identity provider.
        case redirect
        /// 401.
        case unauthenticated
        case denied
    }

    /// How a response with this outcome turns a request for the app away.
    package var denial: Denial {
        switch self {
        case .redirect: .redirect
        case .unauthenticated: .unauthenticated
        case .forward, .open, .observe, .nativeLogin, .choose, .confirm, .signIn, .signedIn, .guest, .loginLoop,
            .logout,
            .session, .sessionUnknown, .keys, .answer, .refused, .notFound, .forwardAuth, .limited, .badRequest,
            .malformed, .upstreamFailure, .none:
            .denied
        }
    }
}
