// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    public init(copying span: Span<UInt8>) {
        self.init()
        append(copying: span)
    }

    /// Appends all bytes of `span`.
    @inlinable @inline(__always)
    public mutating func append(copying span: Span<UInt8>) {
        // The buffer is only read within the call.
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }

    /// Appends fixed text.
    @inlinable @inline(__always)
    public mutating func append(_ text: StaticString) {
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a number in decimal digits.
    public mutating func append(decimal value: UInt64) {
        // Most numbers have few digits: one by one costs less than a copy.
        if value >= 10 { append(decimal: value / 10) }
        append(UInt8(truncatingIfNeeded: 0x30 &+ value % 10))
    }
}
