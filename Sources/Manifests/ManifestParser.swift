// SPDX-License-Identifier: Apache-2.0

import YAML

/// Parses a text into the root of each document.
///
/// All of YAML is accepted, since manifests come from many tools; depth, size and count are bounded. Aliases are not
/// resolved, so a small file cannot become a large tree.
struct ManifestParser {
    /// 32 MiB; the size of `kubectl get --all-namespaces` for a large cluster.
    static let maximumSize = 32 << 20
    static let maximumDepth = 128

    private let parser: YAMLParser
    /// Of the characters, in bytes: libyaml counts characters.
    private let offsets: [Int]

    static func documents(_ text: ManifestText) throws(ManifestProblem) -> [ManifestNode] {
        guard text.bytes.count <= maximumSize else {
            throw ManifestProblem(.start, "larger than \(maximumSize >> 20) MiB; split the manifests")
        }
        guard let parser = YAMLParser(text.bytes[text.start...]) else {
            throw ManifestProblem(.start, "out of memory")
        }
        let reader = ManifestParser(parser: parser, offsets: text.characterOffsets())
        var roots: [ManifestNode] = []
        while true {
            switch try reader.next().kind {
            case .streamEnd: return roots
            case .documentStart: roots.append(try reader.node(try reader.next(), depth: 0))
            default: continue
            }
        }
    }

    private func node(_ event: YAMLParser.Event, depth: Int) throws(ManifestProblem) -> ManifestNode {
        guard depth < Self.maximumDepth else {
            throw ManifestProblem(Self.place(event.start), "nested deeper than \(Self.maximumDepth) levels")
        }
        switch event.kind {
        case .scalar(let text, let isPlain):
            return ManifestNode(
                content: .scalar(text, isPlain: isPlain), place: Self.place(event.start), range: range(event),
                isMarked: event.isMarked)
        case .alias:
            return ManifestNode(content: .alias, place: Self.place(event.start), range: range(event))
        case .sequenceStart(let isFlow):
            var items: [ManifestNode] = []
            while true {
                let next = try next()
                if case .sequenceEnd = next.kind {
                    return collection(.sequence(items), isFlow, event, next, end: items.last?.range.upperBound)
                }
                items.append(try node(next, depth: depth + 1))
            }
        case .mappingStart(let isFlow):
            var entries: [ManifestNode.Entry] = []
            while true {
                let next = try next()
                if case .mappingEnd = next.kind {
                    return collection(.mapping(entries), isFlow, event, next, end: entries.last?.value.range.upperBound)
                }
                let key = try node(next, depth: depth + 1)
                entries.append(ManifestNode.Entry(key: key, value: try node(try self.next(), depth: depth + 1)))
            }
        default:
            throw ManifestProblem(Self.place(event.start), "a value is expected here")
        }
    }

    /// libyaml ends a collection in block style at the start of the next token, after blank lines and comments.
    private func collection(
        _ content: ManifestNode.Content, _ isFlow: Bool, _ start: YAMLParser.Event, _ end: YAMLParser.Event,
        end last: Int?
    ) -> ManifestNode {
        let first = range(start)
        let upper = isFlow ? range(end).upperBound : last ?? first.upperBound
        return ManifestNode(
            content: content, place: Self.place(start.start),
            range: first.lowerBound..<max(upper, first.lowerBound), isFlow: isFlow, isMarked: start.isMarked)
    }

    private func next() throws(ManifestProblem) -> YAMLParser.Event {
        do throws(YAMLParser.SyntaxError) {
            return try parser.next()
        } catch {
            let fix =
                error.isEncoding
                ? "save the file as UTF-8 text" : "use plain YAML or JSON (render templates first: helm template)"
            throw ManifestProblem(Self.place(error.mark), "\(error.message); \(fix)")
        }
    }

    private func range(_ event: YAMLParser.Event) -> Range<Int> {
        let start = offset(event.start.index)
        return start..<max(start, offset(event.end.index))
    }

    private func offset(_ index: Int) -> Int {
        offsets.indices.contains(index) ? offsets[index] : offsets.last ?? 0
    }

    private static func place(_ mark: YAMLParser.Mark) -> ManifestPlace {
        ManifestPlace(line: mark.line, column: mark.column)
    }
}

extension YAMLParser.Event {
    fileprivate var isMarked: Bool { hasAnchor || hasTag }
}
