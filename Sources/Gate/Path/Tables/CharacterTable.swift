// SPDX-License-Identifier: Apache-2.0

/// Characters and what stands in their place.
struct CharacterTable: Sendable {
    /// Consecutive characters. Each of them gets the same characters, the last of which advances by `step`.
    private struct Run {
        let first: UInt32
        let count: UInt32
        let step: UInt32
        /// Of ``targets``.
        let range: Range<Int>
    }

    /// Ascending.
    private let runs: [Run]
    private let targets: [UInt32]

    /// - Parameter text: `first-count-character.character-step`, ascending; all but the count and the step in hexadecimal.
    init(_ text: String) {
        var runs: [Run] = []
        var targets: [UInt32] = []
        for entry in text.split(separator: " ") {
            let parts = entry.split(separator: "-")
            guard parts.count == 4, let first = UInt32(parts[0], radix: 16), let count = UInt32(parts[1]),
                let step = UInt32(parts[3])
            else { continue }
            let start = targets.count
            targets += parts[2].split(separator: ".").compactMap { UInt32($0, radix: 16) }
            runs.append(Run(first: first, count: count, step: step, range: start..<targets.count))
        }
        self.runs = runs
        self.targets = targets
    }

    /// Appends what stands in the place of `scalar`; false: it stays as it is.
    func append(_ scalar: Unicode.Scalar, to output: inout String.UnicodeScalarView) -> Bool {
        replace(scalar) { value in
            if let character = Unicode.Scalar(value) { output.append(character) }
        }
    }

    /// The same, for a table of which all that stands in the place of others is ASCII.
    func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) -> Bool {
        replace(scalar) { output.append(UInt8(truncatingIfNeeded: $0)) }
    }

    /// Something stands in the place of `scalar`.
    func has(_ scalar: Unicode.Scalar) -> Bool { replace(scalar) { _ in } }

    private func replace(_ scalar: Unicode.Scalar, with append: (UInt32) -> Void) -> Bool {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].first <= scalar.value { low = middle + 1 } else { high = middle }
        }
        guard low > 0, scalar.value - runs[low - 1].first < runs[low - 1].count else { return false }
        let run = runs[low - 1]
        for target in targets[run.range].dropLast() { append(target) }
        if let last = targets[run.range].last { append(last + (scalar.value - run.first) * run.step) }
        return true
    }

    /// All that have a replacement.
    var characters: [Unicode.Scalar] {
        runs.flatMap { run in (run.first..<run.first + run.count).compactMap { Unicode.Scalar($0) } }
    }
}
