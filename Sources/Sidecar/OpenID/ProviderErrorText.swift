// SPDX-License-Identifier: Apache-2.0

import JWT

/// What a provider says about an error (RFC 6749 §5.2), for the log: bounded, and without codes, tokens and secrets, which
/// some providers repeat in it.
struct ProviderErrorText {
    /// `invalid_grant`; nil: the response has none.
    let code: String?
    private let description: String?

    /// - Parameter secrets: what must not appear, whatever the provider sends.
    init(_ body: [UInt8], hiding secrets: [[UInt8]]) {
        guard body.count <= Self.maximumBody, let members = (try? JSONParser.parse(body.span))?.object else {
            (code, description) = (nil, nil)
            return
        }
        let isSafe = { (text: String) in
            !secrets.contains { !$0.isEmpty && Array(text.utf8).firstRange(of: $0) != nil }
        }
        code = members["error"]?.string.flatMap { Self.isCode($0) && isSafe($0) ? $0 : nil }
        description = members["error_description"]?.string.flatMap { isSafe($0) ? Self.shown($0) : nil }
    }

    /// `invalid_grant "Code not valid"`; nil: nothing that can be shown.
    var text: String? {
        switch (code, description) {
        case (nil, nil): nil
        case (let code?, nil): code
        case (nil, let description?): "\"\(description)\""
        case (let code?, let description?): "\(code) \"\(description)\""
        }
    }

    /// All that are registered consist of these, and no code or token does.
    private static func isCode(_ text: String) -> Bool {
        1...maximumCode ~= text.utf8.count
            && text.utf8.allSatisfy { 0x61...0x7a ~= $0 || $0 == UInt8(ascii: "_") }
    }

    /// Words as long as a token are replaced, and characters other than ASCII. Nil: nothing remains.
    private static func shown(_ text: String) -> String? {
        let bytes = text.utf8.prefix(maximumBody).map { byte in
            switch byte {
            case 0x21, 0x23...0x7e: byte
            case 0x22: UInt8(ascii: "'")
            case 0...0x20: UInt8(ascii: " ")
            default: UInt8(ascii: "?")
            }
        }
        let words = bytes.split(separator: UInt8(ascii: " ")).map { word in
            word.count < tokenLength ? String(decoding: word, as: UTF8.self) : "..."
        }
        let shown = String(words.joined(separator: " ").prefix(maximumShown))
        return shown.isEmpty ? nil : shown
    }

    private static let maximumBody = 16 * 1024
    private static let maximumCode = 40
    private static let tokenLength = 20
    private static let maximumShown = 200
}
