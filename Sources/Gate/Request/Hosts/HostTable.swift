// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Numbers by host: names, and `*.` and a name for all below it. What a search costs grows with the host's length, not with
/// the number of patterns.
struct HostTable: Sendable {
    private struct Entry: Sendable {
        /// In lower case.
        let name: [UInt8]
        let isForAllBelow: Bool
        let number: Int
    }

    private var entries: [UInt64: [Entry]] = [:]

    /// - Parameter pattern: a name, or `*.` and one.
    mutating func add(_ pattern: String, _ number: Int) {
        let isForAllBelow = pattern.hasPrefix("*.")
        let name = (isForAllBelow ? pattern.dropFirst(2) : pattern[...]).utf8.map(lowercased)
        var hash = Self.seed
        for byte in name.reversed() { hash = Self.mix(hash, byte) }
        entries[hash, default: []].append(Entry(name: name, isForAllBelow: isForAllBelow, number: number))
    }

    /// - Parameter host: without port, in any case.
    func forEach(matching host: Span<UInt8>, _ body: (Int) -> Void) {
        var hash = Self.seed
        var index = host.count
        while index > 0 {
            index -= 1
            hash = Self.mix(hash, lowercased(host[index]))
            let isWhole = index == 0
            guard isWhole || host[index - 1] == UInt8(ascii: "."), let candidates = entries[hash] else { continue }
            // A dot at the start stands for no label.
            if !isWhole, index == 1 { continue }
            let name = host.extracting(index..<host.count)
            for entry in candidates
            where entry.isForAllBelow != isWhole && name.equalsFoldingCase(entry.name.span) { body(entry.number) }
        }
    }

    /// FNV-1a. The table holds the configuration's names alone, so no client can make it slow.
    private static let seed: UInt64 = 0xcbf2_9ce4_8422_2325

    private static func mix(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
}
