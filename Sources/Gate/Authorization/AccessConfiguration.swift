// SPDX-License-Identifier: Apache-2.0

import HTTP

/// `access` of the config: who may come in, and where.
package struct AccessConfiguration: Sendable {
    package enum Default: String, Sendable, CaseIterable {
        /// Who has no session is sent to sign in.
        case signedIn
        /// Everyone comes in; the app learns who it is when that is known.
        case guest
    }

    /// Whether refusals are carried out.
    package enum Mode: String, Sendable, CaseIterable {
        case enforce
        /// Everything comes through; what `enforce` would do is said in the log.
        case observe
    }

    package var `default` = Default.signedIn
    package var mode = Mode.enforce
    package var users = RegisteredUsers()
    /// This app's site ID, which a token that names sites must grant; empty: not looked at.
    package var site = ""
    /// The first that matches decides; where none does, ``default``.
    package var rules: [AccessRule] = []

    package init() {}
}

/// `access.users`: registered users only. All empty: whoever the identity provider vouches for.
///
/// Someone is registered whose address is listed or in a listed domain; where groups are named, being in one of them is
/// needed too.
package struct RegisteredUsers: Sendable, Equatable {
    /// Addresses; upper and lower case of A to Z are the same.
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
    /// Query parameters that ask for it.
    package var parameters: [String]
    /// Where the app's login page is: exact paths, or beginnings that end in `/*`.
    package var paths: [String]
    /// More paths the page needs, open once it was asked for.
    package var with: [String] = []
    /// Who may ask; empty: everyone.
    package var from: [CIDR] = []
    /// Seconds that it stays open.
    package var lifetime: Double = 900

    package init(parameters: [String], paths: [String]) {
        self.parameters = parameters
        self.paths = paths
    }
}
