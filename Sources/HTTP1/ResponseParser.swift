// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Response heads from bytes, in pieces of any size (RFC 9112 §4, §5).
package struct ResponseParser: Sendable {
    package init(limits: HTTP1Limits = HTTP1Limits()) {}

    package mutating func parseHead(
        _ input: Span<UInt8>, into head: inout ResponseHead, requestMethod: Method
    ) throws(HTTP1Error) -> HeadProgress {
        HeadProgress(consumed: 0, isComplete: false)
    }

    package mutating func reset() {}
}
