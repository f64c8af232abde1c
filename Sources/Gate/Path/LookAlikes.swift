// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Characters beyond ASCII that some servers, frameworks and databases turn into ASCII: by compatibility normalisation
/// (Unicode Standard Annex #15, NFKC), by "best fit" conversion to a code page, or by folding case (`ſ` to `s`, `K` to
/// `k`). Letters of other alphabets become lower case.
enum LookAlikes {
    /// `text` with all of them replaced; nil when it has none.
    static func fold(_ text: [UInt8]) -> [UInt8]? {
        guard text.contains(where: { $0 >= 0x80 }) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var isChanged = false
        var index = 0
        while index < text.count {
            guard text[index] >= 0x80, let (scalar, length) = text.scalar(at: index) else {
                output.append(text[index])
                index += 1
                continue
            }
            if let byte = single(scalar.value) {
                output.append(byte)
                isChanged = true
            } else if let bytes = sequences[scalar.value] {
                output.append(contentsOf: bytes)
                isChanged = true
            } else if scalar.properties.changesWhenLowercased {
                output.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
                isChanged = true
            } else {
                output.append(contentsOf: text[index..<index + length])
            }
            index += length
        }
        return isChanged ? output : nil
    }

    /// What one of them becomes; nil: it is none.
    static func ascii(for scalar: Unicode.Scalar) -> [UInt8]? {
        single(scalar.value).map { [$0] } ?? sequences[scalar.value]
    }

    /// As ``ascii(for:)``, by compatibility normalisation and the folding of case alone: without slashes and backslashes by
    /// their looks, and without the letters that are an `i` only without regard to dots.
    static func compatible(_ scalar: Unicode.Scalar) -> [UInt8]? {
        switch scalar.value {
        case 0x130, 0x131, 0x2044, 0x2215, 0x2216, 0x2571, 0x2572, 0x29f5, 0x29f8: nil
        default: ascii(for: scalar)
        }
    }

    private struct Run {
        let first: UInt32
        let count: UInt32
        let ascii: UInt8
        let step: UInt8
    }

    private static func single(_ value: UInt32) -> UInt8? {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].first <= value { low = middle + 1 } else { high = middle }
        }
        guard low > 0, value - runs[low - 1].first < runs[low - 1].count else { return nil }
        let run = runs[low - 1]
        return run.ascii &+ run.step &* UInt8(truncatingIfNeeded: value - run.first)
    }

    private static let runs: [Run] = LookAlikeTable.runs.split(separator: " ").compactMap { entry in
        let parts = entry.split(separator: "-")
        guard parts.count == 4, let first = UInt32(parts[0], radix: 16), let count = UInt32(parts[1]),
            let ascii = UInt8(parts[2], radix: 16), let step = UInt8(parts[3])
        else { return nil }
        return Run(first: first, count: count, ascii: ascii, step: step)
    }

    private static let sequences: [UInt32: [UInt8]] = Dictionary(
        uniqueKeysWithValues: LookAlikeTable.sequences.split(separator: " ").compactMap { entry in
            let parts = entry.split(separator: "-")
            guard parts.count == 2, let character = UInt32(parts[0], radix: 16) else { return nil }
            let digits = Array(parts[1].utf8)
            let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap { place -> UInt8? in
                guard let high = Hexadecimal.value(digits[place]), let low = Hexadecimal.value(digits[place + 1]) else {
                    return nil
                }
                return high << 4 | low
            }
            return (character, bytes)
        })
}
