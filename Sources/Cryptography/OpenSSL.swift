// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// libcrypto's error queue, kept empty around each use.
///
/// The queue belongs to a thread, and whoever looks at it next would read another one's leftovers as their own failure
/// (libssl does just that after each read). So each use begins with an empty queue and leaves it empty.
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

    /// A look costs less than emptying all its places, and mostly there is nothing to empty.
    private static func empty() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// What the library says of its latest failure in this use, for people: "bad end line".
    static var failure: String {
        let code = ERR_peek_last_error()
        guard code != 0, let reason = unsafe ERR_reason_error_string(code) else { return "no reason given" }
        return unsafe String(cString: reason)
    }
}

/// What can go wrong with keys; the texts never hold any part of a key.
package enum CryptographyError: Error, Equatable, Sendable {
    /// The text is no PEM of the wanted kind; says what it is instead.
    case malformedKey(String)
    /// A good key of a kind or size that is not served.
    case unsupportedKey(String)
    /// A key that must not be trusted: too short, or known to be breakable.
    case weakKey(String)
    /// libcrypto refused; its own words.
    case failed(String)
}
