// SPDX-License-Identifier: Apache-2.0

import JWT

/// What a provider says about an error (RFC 6749 §5.2), for the log: its code, and nothing else. The description is free text,
/// in which some providers repeat codes, tokens or the user's address.
struct ProviderErrorText {
    /// `invalid_grant`; nil: the response has none.
    let code: String?

    /// - Parameter secrets: what must not appear, whatever the provider sends.
    init(_ body: [UInt8], hiding secrets: [[UInt8]]) {
        guard body.count <= Self.maximumBody, let members = (try? JSONParser.parse(body.span))?.object else {
            code = nil
            return
        }
        let isSafe = { (text: String) in
            !secrets.contains { !$0.isEmpty && Array(text.utf8).firstRange(of: $0) != nil }
        }
        code = members["error"]?.string.flatMap { Self.isCode($0) && isSafe($0) ? $0 : nil }
    }

    /// All that are registered consist of these, and no code or token does.
    private static func isCode(_ text: String) -> Bool {
        1...maximumCode ~= text.utf8.count
            && text.utf8.allSatisfy { 0x61...0x7a ~= $0 || $0 == UInt8(ascii: "_") }
    }

    private static let maximumBody = 16 * 1024
    private static let maximumCode = 40
}
