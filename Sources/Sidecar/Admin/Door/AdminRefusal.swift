// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

/// Why the door does not admit a request.
package enum AdminRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no token, so nobody is admitted over TCP.
    case off
    /// The process at the other end of the unix socket is another user's, and there is no token.
    case anotherUser
    /// The request came by a name that is not known to be this listener's (DNS rebinding).
    case hostUnknown
    /// Another site has sent it, or nothing shows that it did not.
    case crossSite
    /// There is no token in it, and no valid cookie.
    case unidentified
    case wrongToken
    /// There were too many wrong tokens.
    case limited(seconds: Int)

    package var description: String { words }

    /// A stable name, for programs.
    package var code: String {
        switch self {
        case .off: "console_off"
        case .anotherUser: "another_user"
        case .hostUnknown: "host_unknown"
        case .crossSite: "cross_site_request"
        case .unidentified: "token_missing"
        case .wrongToken: "token_wrong"
        case .limited: "too_many_wrong_tokens"
        }
    }

    /// For people, with the fix.
    package var words: String {
        switch self {
        case .off:
            "the console is off: write the output of `sidegate secret` into a file, name it in `admin.tokenFile`, and reload; "
                + "or set `admin.listen` to a unix socket"
        case .anotherUser:
            "this socket admits processes of the gate's own user and of root; `admin.tokenFile` makes a token for others"
        case .hostUnknown:
            "the console is reached by an address, by localhost, or by a name in `admin.hosts`"
        case .crossSite: "this request may come from another site, so nothing was done"
        case .unidentified: "the token of `admin.tokenFile` is needed, as Authorization: Bearer"
        case .wrongToken: "this is not the token of `admin.tokenFile`"
        case .limited(let seconds): "too many wrong tokens; try again in \(seconds) s"
        }
    }

    package var status: UInt16 {
        switch self {
        case .off, .anotherUser, .crossSite: 403
        case .hostUnknown: 421
        case .unidentified, .wrongToken: 401
        case .limited: 429
        }
    }

    var isAboutToken: Bool {
        switch self {
        case .wrongToken, .limited: true
        case .off, .anotherUser, .hostUnknown, .crossSite, .unidentified: false
        }
    }

    /// For commands and programs.
    package var response: LocalResponse {
        var response = AdminResponse.json(
            status, [("error", .string(code)), ("message", .string(words))])
        switch self {
        case .unidentified: response.add("WWW-Authenticate", "Bearer")
        case .wrongToken: response.add("WWW-Authenticate", "Bearer error=\"invalid_token\"")
        case .limited(let seconds): response.add("Retry-After", String(seconds))
        case .off, .anotherUser, .hostUnknown, .crossSite: break
        }
        return response
    }
}
