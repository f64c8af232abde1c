// SPDX-License-Identifier: Apache-2.0

/// The content of a request while it may have to be sent again: an app that refuses a stream has not processed it
/// (RFC 9113 §8.7).
package struct RetryBuffer: Equatable, Sendable {
    private(set) var content: [UInt8]
    private(set) var trailers: [UInt8]

    package init(content: [UInt8] = [], trailers: [UInt8] = []) {
        self.content = content
        self.trailers = trailers
    }

    var count: Int { content.count }

    mutating func append(_ content: Span<UInt8>, _ trailers: [UInt8]) {
        self.content.append(span: content)
        self.trailers = trailers
    }

    /// Longer content is not kept, and the request not sent again, unless it was collected.
    static let limit = 32_768
}
