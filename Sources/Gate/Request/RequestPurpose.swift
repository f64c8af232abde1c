// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What a request is about, for metrics.
package enum RequestPurpose: Sendable, Equatable {
    /// The app's.
    case app
    /// The way back from the identity provider, and the page that asks on it.
    case signIn
    case logout
    /// Any other reserved path.
    case other
}

extension RequestPurpose {
    /// What the request is about; a request that is too broken to have a path is the app's.
    init(_ path: JudgedPath) {
        self =
            switch path.reserved {
            case nil: .app
            case .callback, .confirm, .arrival: .signIn
            case .logout, .backchannelLogout: .logout
            case .login, .signedOut, .session, .auth, .keys, .form, .nothing, .unreadable: .other
            }
    }
}
