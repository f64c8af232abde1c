// SPDX-License-Identifier: Apache-2.0

/// A request's content while it may have to be sent again: a stream that the app refuses was not looked at
/// (RFC 9113 §8.7).
struct RetryBuffer {
    var content: [UInt8] = []
    var trailers: [UInt8] = []

    var count: Int { content.count }

    /// More than this is not kept, and such a request not repeated.
    static let limit = 32_768
}
