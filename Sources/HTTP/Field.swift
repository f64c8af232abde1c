// SPDX-License-Identifier: Apache-2.0

/// One field line of a head, as places in the head's bytes (RFC 9110 §5).
public struct Field: Equatable, Sendable {
    public let name: ByteRange
    /// Without the optional white space around it.
    public let value: ByteRange
    /// Which field it is, found once while parsing, so that nobody compares names twice.
    public let known: KnownField

    public init(name: ByteRange, value: ByteRange, known: KnownField) {
        self.name = name
        self.value = value
        self.known = known
    }
}
