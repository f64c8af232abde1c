// SPDX-License-Identifier: Apache-2.0

import HTTP

/// `access` of the configuration: who may pass, and where.
package struct AccessConfiguration: Sendable {
    package enum Default: String, Sendable, CaseIterable {
        /// A request without a session is sent to sign in.
        case signedIn
        /// Everyone may pass; the app learns the user when there is one.
        case guest
    }

    /// Whether refusals are enforced.
    package enum Mode: String, Sendable, CaseIterable {
        case enforce
        /// Every request passes; the log says what `enforce` would do.
        case observe
    }

    package var `default` = Default.signedIn
    package var mode = Mode.enforce
    package var users = RegisteredUsers()
    /// This app's site ID, which a token that names sites must grant; empty: not checked.
    package var site = ""
    /// The first that matches decides; where none does, ``default`` applies.
    package var rules: [AccessRule] = []

    package init() {}
}

/// `access.users`: registered users only. All empty: every user that the identity provider vouches for.
///
/// A user is registered whose address is listed or in a listed domain; where groups are named, membership in one of them
/// is required too.
package struct RegisteredUsers: Sendable, Equatable {
    /// Addresses; upper and lower case of A to Z are the same, and domains are compared as A-labels.
    package var emails: [String] = []
    /// `access.users.emailsFile` is set: the list counts even while it is empty.
    package var hasEmailsFile = false
    /// The addresses in that file when the gate is made; later ones come by `Gate.replaceListedEmails`.
    package var listedEmails: [String] = []
    /// Matched whole after the one `@`.
    package var emailDomains: [String] = []
    package var groups: [String] = []

    package init() {}
}

/// `nativeLogin` of the config: the app's own login page without single sign-on, for emergencies.
package struct NativeLoginConfiguration: Sendable {
    /// Query parameters that request it.
    package var parameters: [String]
    /// The app's login page: exact paths, or prefixes that end in `/*`.
    package var paths: [String]
    /// More paths the page needs, open once it was requested.
    package var with: [String] = []
    /// Networks that may request it; empty: all.
    package var from: [CIDR] = []
    /// Seconds that it stays open.
    package var lifetime: Double = 900

    package init(parameters: [String], paths: [String]) {
        self.parameters = parameters
        self.paths = paths
    }
}
