// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What a browser may do with the console's pages: run the one script, use the one style sheet, talk to this address. No
/// resource comes from elsewhere, and forms go nowhere else. That no page may frame them is said with every response.
package enum ConsolePolicy {
    /// The value of `Content-Security-Policy`.
    package static let text =
        "default-src 'none'; script-src \(hash(ConsoleScript.text)); style-src \(hash(ConsoleStyle.sheet)); "
        + "connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'"

    private static func hash(_ text: String) -> String {
        "'sha256-\(Base64.encodeToString(SHA256.hash(Array(text.utf8).span)))'"
    }
}
