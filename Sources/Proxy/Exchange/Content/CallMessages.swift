// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The position in the content of a gRPC call: messages, each after a flag and four bytes of length.
package struct CallMessages: Sendable {
    private var prefix = 0
    private var length: UInt64 = 0
    /// Bytes of the current message that have not arrived, once its length is known.
    private var missing: UInt64 = 0
    /// At least one message is complete, and no other has begun.
    package private(set) var isBetween = false

    package init() {}

    package mutating func add(_ content: Span<UInt8>) {
        var position = 0
        while position < content.count {
            if prefix == Self.prefixLength {
                let taken = min(missing, UInt64(content.count - position))
                missing -= taken
                position += Int(taken)
            } else {
                isBetween = false
                // The first byte is the flag.
                length = prefix == 0 ? 0 : length << 8 | UInt64(content[position])
                prefix += 1
                position += 1
                if prefix == Self.prefixLength { missing = length }
            }
            if prefix == Self.prefixLength, missing == 0 {
                prefix = 0
                isBetween = true
            }
        }
    }

    private static let prefixLength = 5
}

extension RequestHead {
    /// A gRPC call.
    var isCall: Bool {
        let bytes = bytes.span
        for field in fields where field.known == .contentType {
            return bytes.extracting(field.value.range).beginsIgnoringCase("application/grpc")
        }
        return false
    }
}
