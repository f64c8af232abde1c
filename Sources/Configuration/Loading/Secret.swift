// SPDX-License-Identifier: Apache-2.0

/// Bytes that must not be shown: every way of printing gives a placeholder.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var description: String { Self.placeholder }
    package var debugDescription: String { Self.placeholder }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// What is printed in place of a secret.
    package static let placeholder = "<redacted>"
}
