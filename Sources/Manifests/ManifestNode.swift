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
