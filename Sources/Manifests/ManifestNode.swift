// SPDX-License-Identifier: Apache-2.0

/// A value of a manifest and the position of its text.
struct ManifestNode: Sendable {
    enum Content: Sendable {
        case scalar(String, isPlain: Bool)
        case sequence([ManifestNode])
        case mapping([Entry])
        case alias
    }

    struct Entry: Sendable {
        let key: ManifestNode
        let value: ManifestNode
    }

    let content: Content
    let place: ManifestPlace
    /// Byte offsets of the text; for a collection in block style, to the end of its last value.
    let range: Range<Int>
    /// `[…]` or `{…}`.
    var isFlow = false
    /// Preceded by `&name` or `!tag`.
    var isMarked = false

    var isNull: Bool {
        if case .scalar(let text, true) = content { ["", "~", "null", "Null", "NULL"].contains(text) } else { false }
    }

    var text: String? {
        if case .scalar(let text, _) = content, !isNull { text } else { nil }
    }

    /// The number that Kubernetes reads: `8080`, `0x1f90`, `8_080`, `017620` and `8080.0` are the same port. nil for other
    /// values, texts in quotes too.
    var integer: Int? {
        guard case .scalar(let text, true) = content else { return nil }
        let digits = text.replacing("_", with: "").lowercased()
        let (sign, rest) =
            digits.hasPrefix("-") ? (-1, digits.dropFirst()) : (1, digits.dropFirst(digits.hasPrefix("+") ? 1 : 0))
        guard let first = rest.first, first.isASCII, first.isNumber || first == "." else { return nil }
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where rest.hasPrefix(prefix) {
            let value = rest.dropFirst(2)
            return value.first?.isHexDigit == true ? Int(value, radix: radix).map { sign * $0 } : nil
        }
        // As in YAML 1.1, which Kubernetes reads.
        if rest.hasPrefix("0"), let octal = Int(rest, radix: 8) { return sign * octal }
        if let decimal = Int(rest) { return sign * decimal }
        guard let number = Double(rest), abs(number) < 1e15, number.rounded() == number else { return nil }
        return sign * Int(number)
    }

    var items: [ManifestNode]? {
        if case .sequence(let items) = content { items } else { nil }
    }

    var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    var isEmptyCollection: Bool { items?.isEmpty ?? entries?.isEmpty ?? false }

    /// The entry of a mapping; nil for other nodes. Duplicate names are an error, since programs differ in which they
    /// use; so are those that a merge (`<<`), which is not resolved, may add.
    func entry(_ name: String) throws(ManifestProblem) -> Entry? {
        guard let entries else { return nil }
        var found: Entry?
        for entry in entries where entry.key.text == name {
            if let found {
                throw ManifestProblem(
                    entry.key.place,
                    "`\(name)` is set twice, first in line \(found.key.place.line); keep one of the two")
            }
            found = entry
        }
        if found == nil, let merge = entries.first(where: { $0.key.text == "<<" }) {
            throw ManifestProblem(merge.key.place, "a merge (<<) may add `\(name)`; write it out in full")
        }
        return found
    }

    subscript(_ name: String) -> ManifestNode? {
        get throws(ManifestProblem) { try entry(name)?.value }
    }

    /// Rejects values that an edit would not reach, or would change in another place too.
    func requireWrittenHere(_ name: String) throws(ManifestProblem) {
        if case .alias = content {
            throw ManifestProblem(place, "`\(name)` is an alias (*name); write it out, so that it can be changed here")
        }
        if isMarked {
            throw ManifestProblem(
                place, "`\(name)` has an anchor or a tag; write it without, so that it can be changed")
        }
    }
}
