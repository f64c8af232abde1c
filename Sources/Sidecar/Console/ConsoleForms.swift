// SPDX-License-Identifier: Apache-2.0

import Console
import Cryptography
import HTTP

/// The hidden field of the console's forms: it shows that a form is one of a page that this visitor was given. The door has
/// checked `Origin` by then; this does not depend on what a browser sends.
struct ConsoleForms: Sendable {
    /// Of this process: a page that is older than the process is given again.
    private let key = Random.bytes(32)

    func visitor(_ request: AdminRequest, _ visitor: AdminVisitor) -> ConsoleVisitor {
        ConsoleVisitor(formToken: token(request, visitor), canSignOut: visitor.means == .cookie)
    }

    func isGenuine(_ text: String?, _ request: AdminRequest, _ visitor: AdminVisitor) -> Bool {
        let own = Array(token(request, visitor).utf8)
        let other = Array((text ?? "").utf8)
        return constantTimeEquals(own.span, other.span)
    }

    private func token(_ request: AdminRequest, _ visitor: AdminVisitor) -> String {
        var subject: [UInt8] =
            switch visitor.means {
            case .cookie: [1] + (request.cookie(ConsoleCookies.name(isSecure: request.context.isSecure)) ?? [])
            case .token: [2]
            case .socket(let user): [3] + Array(String(user).utf8)
            }
        subject += Self.purpose
        return Base64URL.encodeToString(HKDF.sha256(secret: key, salt: [], info: subject, length: 24))
    }

    private static let purpose = Array("sidegate console form".utf8)
}
