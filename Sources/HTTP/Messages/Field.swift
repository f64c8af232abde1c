// SPDX-License-Identifier: Apache-2.0

/// One field line of a head, as ranges of the head's bytes (RFC 9110 §5).
public struct Field: Equatable, Sendable {
    public let name: ByteRange
    /// Without the optional white space around the value.
    public let value: ByteRange
    /// The field's identity, determined once while parsing, so that names are not compared again later.
    public let known: KnownField

    public init(name: ByteRange, value: ByteRange, known: KnownField) {
        self.name = name
        self.value = value
        self.known = known
    }
}
