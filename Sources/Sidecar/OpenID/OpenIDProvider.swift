// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import JWT
import Outbound
import TLS

/// An OpenID provider, and the client that Sidegate is to it.
package struct OpenIDProvider: Sendable {
    /// How the client authenticates at the token endpoint (RFC 6749 §2.3.1).
    package enum Authentication: Sendable, Equatable {
        /// Not at all: a public client.
        case none
        /// `client_secret_basic`
        case basic(Secret)
        /// `client_secret_post`
        case post(Secret)

        var secret: Secret? {
            switch self {
            case .none: nil
            case .basic(let secret), .post(let secret): secret
            }
        }
    }

    /// Empty for the only one.
    package let name: String
    package let issuer: String
    package let clientID: String
    package let authentication: Authentication
    package let asksUserInfo: Bool
    /// The algorithms of ID tokens; never those of shared secrets, since the keys are public.
    package let algorithms: [Algorithm]
    /// For https; nil: such a URL fails.
    package let tls: TLSClientContext?
    /// Of its discovery document.
    let documentURL: OutboundURL

    /// Nil when the issuer is not the beginning of a URL that can be called.
    package init?(
        name: String = "", issuer: String, clientID: String, authentication: Authentication, asksUserInfo: Bool = false,
        algorithms: [Algorithm] = [.rs256, .es256], tls: TLSClientContext? = nil
    ) {
        guard let url = OutboundURL(OpenIDMetadata.documentURL(of: issuer)) else { return nil }
        documentURL = url
        self.name = name
        self.issuer = issuer
        self.clientID = clientID
        self.authentication = authentication
        self.asksUserInfo = asksUserInfo
        self.algorithms = algorithms.filter { !$0.isSymmetric }
        self.tls = tls
    }

    /// Whether `url` may lead to this machine: the issuer does, or it is the issuer's host, which the configuration names. Any
    /// other comes from the provider's discovery document.
    func allowsLocalAddress(of url: OutboundURL) -> Bool {
        url.host == documentURL.host || OpenIDMetadata.isLocal(issuer: issuer)
    }
}

/// What is known of a provider at some time.
package struct KnownProvider: Sendable {
    package let name: String
    package let metadata: OpenIDMetadata
    /// Empty when they could not be fetched yet.
    package let keys: KeySet

    var hasKeys: Bool { !keys.keys.isEmpty }
}

/// What Sidegate calls at a provider. For metrics and the log.
package enum ProviderEndpoint: String, Sendable, CaseIterable {
    case discovery, keys, token
    case userInfo = "userinfo"
}
