// SPDX-License-Identifier: Apache-2.0

/// "Did you mean …": the known name that a mistyped one most likely stands for.
package enum Suggestion {
    /// The nearest of `candidates`, or nil when none is near enough to be a help.
    package static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
        // Unknown names come from outside: bound the work.
        guard name.utf8.count <= 64 else { return nil }
        let letters = folded(name)
        let limit = Swift.max(1, letters.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(letters, folded(candidate))
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// snake_case, kebab-case and camelCase of one name are the same name mistyped.
    private static func folded(_ name: String) -> [UInt8] {
        name.utf8.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ".") }
            .map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
    }

    /// Optimal string alignment: insertions, deletions, substitutions, and swaps of neighbours, one each.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let same = left[row] == right[column]
                var cost = Swift.min(
                    last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = Swift.min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
