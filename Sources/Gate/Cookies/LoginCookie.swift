// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// The login cookies of one attempt: one, and a second one where the sealed text is too long for one, as for a long deep
/// link. They are split as the session's are (``SessionCookie``); the second one's name ends with `-1`.
struct LoginCookie: Sendable, Equatable {
    /// Of the first.
    private let name: [UInt8]
    private let isSplit: Bool

    init(_ names: CookieNames, _ attempt: LoginAttemptID, isSplit: Bool) {
        name = names.login + attempt.text
        self.isSplit = isSplit
    }

    /// Of all its cookies.
    var names: [[UInt8]] { isSplit ? [name, name + Array(Self.suffix.utf8)] : [name] }

    /// The attempt that it is of.
    var attempt: LoginAttemptID? { LoginAttemptID(name.suffix(LoginAttemptID.length)) }

    /// Names and values of an attempt's cookies.
    ///
    /// - Parameter plain: the length of what is sealed.
    static func byteCount(plain: Int, _ names: CookieNames) -> Int {
        let name = names.login.count + LoginAttemptID.length
        let text = (max(0, plain) + SealingKey.overhead) * 4 / 3 + 1
        guard plain > largestPlain else { return name + text }
        return 2 * name + suffix.utf8.count + text + SessionCookie.prefixSize + SessionCookie.markSize
    }

    /// What fits one cookie.
    static let largestPlain = SessionCookie.chunkSize * 3 / 4 - SealingKey.overhead
    /// Those of a browser together. With the other fields of a request they fit any `limits.headerBytes` in use.
    static let maximumBytes = 12 * 1024

    static let suffix = "-1"
}
