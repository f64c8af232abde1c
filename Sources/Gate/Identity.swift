// SPDX-License-Identifier: Apache-2.0

/// Who a request comes from, ready for use: made once for a session or a bearer token and kept in the loop's cache.
package final class Identity {
    /// For the logs.
    package let user: String
    /// What the app is told: field lines, each with CRLF.
    package let headerBlock: [UInt8]

    init(user: String, headerBlock: [UInt8]) {
        self.user = user
        self.headerBlock = headerBlock
    }
}
