// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Knows the header names that a client must not send to the app, in every spelling an app server could take for them.
///
/// CVE-2025-64484: CGI, WSGI, Rack and PHP turn `-`, and some also `_`, `.` or any other sign, into one letter, and fold
/// case. So names are compared folded: letters in lower case, whatever is neither letter nor digit as `-`.
///
/// Most names are let go after a look at their first letter and length.
struct SpoofFilter: Sendable {
    /// For each first letter (26: anything else), a bit for each length that some name has; longer ones share bit 63.
    private let lengths: [UInt64]
    /// The names with that many bytes, folded; longer ones in the last.
    private let names: [[[UInt8]]]

    /// Knows `names` alone, which are folded, and Sidegate's own.
    init(names all: Set<[UInt8]>) {
        var lengths = [UInt64](repeating: 0, count: 27)
        var names = [[[UInt8]]](repeating: [], count: 64)
        for name in all {
            guard let first = name.first else { continue }
            let length = min(name.count, 63)
            lengths[Self.letterIndex(first)] |= 1 << UInt64(length)
            names[length].append(name)
        }
        // x-sidegate-…, of any length
        lengths[Self.letterIndex(UInt8(ascii: "x"))] |= ~0 << UInt64(Self.ownPrefix.utf8CodeUnitCount)
        self.lengths = lengths
        self.names = names
    }

    /// Whether a field of that name is removed.
    @inline(__always)
    func removes(_ name: Span<UInt8>) -> Bool {
        guard name.count > 0 else { return false }
        let first = Self.letterIndex(lowercased(name[0]))
        return lengths[first] & (1 << UInt64(truncatingIfNeeded: min(name.count, 63))) != 0
            && (Self.hasPrefix(Self.ownPrefix, name) || lists(name))
    }

    /// Whether it is one of the names.
    func lists(_ name: Span<UInt8>) -> Bool {
        for candidate in names[min(name.count, 63)] where Self.isEqual(name, candidate) { return true }
        return false
    }

    /// `name` in the one spelling that names are compared in.
    static func folded(_ name: String) -> [UInt8] {
        name.utf8.map(fold)
    }

    private static func isEqual(_ name: Span<UInt8>, _ candidate: [UInt8]) -> Bool {
        guard name.count == candidate.count else { return false }
        for index in name.indices where fold(name[index]) != candidate[index] { return false }
        return true
    }

    /// - Parameter prefix: folded.
    static func hasPrefix(_ prefix: StaticString, _ name: Span<UInt8>) -> Bool {
        guard name.count >= prefix.utf8CodeUnitCount else { return false }
        return unsafe UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
            .enumerated().allSatisfy { fold(name[$0.offset]) == $0.element }
    }

    @inline(__always)
    private static func fold(_ byte: UInt8) -> UInt8 {
        let lower = lowercased(byte)
        return lower &- UInt8(ascii: "a") < 26 || lower &- UInt8(ascii: "0") < 10 ? lower : UInt8(ascii: "-")
    }

    @inline(__always)
    private static func letterIndex(_ byte: UInt8) -> Int {
        let index = byte &- UInt8(ascii: "a")
        return index < 26 ? Int(index) : 26
    }

    /// Sidegate's own, for later versions as for this one (CVE-2023-27487, CVE-2024-45806).
    private static let ownPrefix: StaticString = "x-sidegate-"
}
