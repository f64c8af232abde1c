// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The only client of the demo's OpenID provider: the gate.
package struct DemoClient: Sendable {
    let id: String
    let returnURLs: [String]
    let signedOutURLs: [String]
    private let secret: String

    /// - Parameters:
    ///   - id, secret: of characters that need no encoding in a form.
    ///   - returnURLs: where codes may be sent.
    ///   - signedOutURLs: where a browser may go after logout.
    package init(id: String, secret: String, returnURLs: [String], signedOutURLs: [String]) {
        self.id = id
        self.secret = secret
        self.returnURLs = returnURLs
        self.signedOutURLs = signedOutURLs
    }

    /// By `client_secret_basic` (RFC 6749 §2.3.1).
    func isAuthenticated(by values: [String]) -> Bool {
        let expected = "Basic " + Base64.encodeToString(Array("\(id):\(secret)".utf8))
        guard let value = values.first, values.count == 1 else { return false }
        return constantTimeEquals(Array(value.utf8).span, Array(expected.utf8).span)
    }
}
