// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// libcrypto's error queue, kept empty around each use.
///
/// The queue belongs to a thread, and its next reader would take leftover errors for its own (libssl does so after each
/// read). So each use starts with an empty queue and leaves it empty.
enum OpenSSL {
    /// Runs `body` with an empty error queue and empties it afterwards.
    @inline(__always)
    static func call<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        empty()
        defer { empty() }
        return try body()
    }

    /// Checking costs less than emptying all entries, and usually there are none.
    private static func empty() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// The library's description of the latest failure in this use, for humans: "bad end line".
    static var failure: String {
        let code = ERR_peek_last_error()
        guard code != 0, let reason = unsafe ERR_reason_error_string(code) else { return "no reason given" }
        return unsafe String(cString: reason)
    }
}

/// Errors with keys; the texts never contain any part of a key.
package enum CryptographyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text is not PEM of the expected kind; says what it is instead.
    case malformedKey(String)
    /// A valid key of an unsupported type or size.
    case unsupportedKey(String)
    /// A key that must not be trusted: too short, or known to be breakable.
    case weakKey(String)
    /// libcrypto failed; its own words.
    case failed(String)

    package var description: String {
        switch self {
        case .malformedKey(let text), .unsupportedKey(let text), .weakKey(let text), .failed(let text): text
        }
    }
}
