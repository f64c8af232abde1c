// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What a request is about, for who counts requests.
package enum RequestPurpose: Sendable, Equatable {
    /// The app's.
    case app
    /// The way back from the identity provider, and the page that asks on it.
    case signIn
    case logout
    /// Others of Sidegate's own addresses.
    case other
}

extension Gate {
    /// What `request` is about; what is too broken to have a path is the app's.
    package func place(of request: RequestHead) -> RequestPurpose {
        guard request.targetForm != .asterisk, request.path.upperBound <= request.bytes.count else { return .app }
        switch ReservedPath.of(request.bytes.span.extracting(request.path.range), returnPath: returnPath) {
        case nil: return .app
        case .callback, .confirm: return .signIn
        case .logout, .backchannelLogout: return .logout
        case .login, .session, .auth, .keys, .nothing, .unreadable: return .other
        }
    }

    /// Who asks, behind the proxies that are trusted to tell; nil when that cannot be told.
    package func client(of request: RequestHead, _ context: RequestContext) -> IPAddress? {
        ClientAddress.of(request, context, trusted: configuration.trustedProxies)
    }
}
