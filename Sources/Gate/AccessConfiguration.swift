// SPDX-License-Identifier: Apache-2.0

import HTTP

/// `access` of the config, but for its rules: who may come in at all.
package struct AccessConfiguration: Sendable {
    package enum Default: String, Sendable, CaseIterable {
        /// Who has no session is sent to sign in.
        case signedIn
        /// Everyone comes in; the app learns who it is when that is known.
        case guest
    }

    package var `default` = Default.signedIn
    package var users = RegisteredUsers()
    /// This app's site ID, which a token that names sites must grant; empty: not looked at.
    package var site = ""

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
