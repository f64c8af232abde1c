// SPDX-License-Identifier: Apache-2.0

/// A range of a message head's bytes: the position of a name, a value or a part of the target.
///
/// Heads are bounded by `limits.headerBytes`, so 32 bits suffice and a field stays small.
public struct ByteRange: Equatable, Sendable {
    public var start: UInt32
    public var count: UInt32

    public init(start: UInt32, count: UInt32) {
        self.start = start
        self.count = count
    }

    /// A range from `Int` offsets into one head; both must fit 32 bits, which every head's limit ensures.
    public init(_ range: Range<Int>) {
        start = UInt32(truncatingIfNeeded: range.lowerBound)
        count = UInt32(truncatingIfNeeded: range.count)
    }

    public static let empty = ByteRange(start: 0, count: 0)

    public var isEmpty: Bool { count == 0 }
    public var lowerBound: Int { Int(start) }
    public var upperBound: Int { Int(start) &+ Int(count) }
    public var range: Range<Int> { lowerBound..<upperBound }
}
