// SPDX-License-Identifier: Apache-2.0

import YAML

/// YAML text → `Node`s. A subset of YAML on purpose: one document of plain mappings, lists and scalars.
///
/// Anchors, aliases and tags are refused, since nothing here needs them and an alias can make a small file large.
/// Repeated keys are refused, since two parsers could pick different ones. Depth, size and count are bounded.
struct YAMLReader {
    /// 4 MiB; a config is a few KiB, and one with 10,000 rules a megabyte.
    static let maximumSize = 4 << 20
    static let maximumDepth = 32
    static let maximumNodes = 200_000

    private let parser: YAMLParser
    private let place: (YAMLParser.Mark) -> SourceLocation
    private var findings: [Finding] = []
    private var nodes = 0

    private struct Stop: Error, CustomStringConvertible {
        var finding: Finding

        var description: String { finding.description }
    }

    /// Reads a file's text: every place becomes a line and column of `path`.
    static func read(_ text: [UInt8], file path: String) -> (root: Node?, findings: [Finding]) {
        // Some editors begin a file with a byte order mark, which says nothing about UTF-8.
        let text = text.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(text.dropFirst(3)) : text
        return read(text, whole: .file(path: path, line: 1, column: 1)) {
            .file(path: path, line: $0.line, column: $0.column)
        }
    }

    /// Reads a value (JSON is YAML) that stands in an environment variable or on the command line.
    static func read(_ text: String, at origin: SourceLocation) -> (root: Node?, findings: [Finding]) {
        read(Array(text.utf8), whole: origin) { _ in origin }
    }

    private static func read(
        _ text: [UInt8], whole: SourceLocation, place: @escaping (YAMLParser.Mark) -> SourceLocation
    ) -> (root: Node?, findings: [Finding]) {
        guard text.count <= maximumSize else {
            return (nil, [.error(whole, "larger than \(maximumSize >> 20) MiB; a configuration is far smaller")])
        }
        guard let parser = YAMLParser(text) else { return (nil, [.error(whole, "out of memory")]) }
        var reader = YAMLReader(parser: parser, place: place)
        do {
            let root = try reader.document()
            return (root, reader.findings)
        } catch {
            return (nil, reader.findings + [error.finding])
        }
    }

    private init(parser: YAMLParser, place: @escaping (YAMLParser.Mark) -> SourceLocation) {
        self.parser = parser
        self.place = place
    }

    /// nil for an empty text.
    private mutating func document() throws(Stop) -> Node? {
        var root: Node?
        var documents = 0
        while true {
            let item = try next()
            switch item.kind {
            case .streamEnd:
                return root
            case .documentStart:
                documents += 1
                if documents > 1 {
                    throw stop(item, "a second document begins here; put one configuration in one file")
                }
                root = try node(from: try next(), depth: 0)
            default:
                continue
            }
        }
    }

    private mutating func node(from item: YAMLParser.Event, depth: Int) throws(Stop) -> Node {
        nodes += 1
        guard nodes <= Self.maximumNodes else {
            throw stop(item, "more than \(Self.maximumNodes) values; a configuration has far fewer")
        }
        guard depth < Self.maximumDepth else {
            throw stop(item, "nested deeper than \(Self.maximumDepth) levels")
        }
        if item.hasAnchor {
            findings.append(
                .error(place(item.start), "anchors (&name) are not supported; write the value where it is used"))
        }
        if item.hasTag {
            findings.append(.error(place(item.start), "tags (!name) are not supported; write the value alone"))
        }
        let origin = place(item.start)
        switch item.kind {
        case .scalar(let text, let isPlain):
            if isPlain, ["", "~", "null", "Null", "NULL"].contains(text) { return Node(.null, at: origin) }
            return Node(.scalar(text), at: origin)
        case .sequenceStart:
            return Node(.sequence(try sequence(depth: depth)), at: origin)
        case .mappingStart:
            return Node(.mapping(try mapping(depth: depth)), at: origin)
        case .alias:
            findings.append(.error(origin, "aliases (*name) are not supported; write the value again"))
            return Node(.null, at: origin)
        default:
            throw stop(item, "a value is expected here")
        }
    }

    private mutating func sequence(depth: Int) throws(Stop) -> [Node] {
        var items: [Node] = []
        while true {
            let item = try next()
            if case .sequenceEnd = item.kind { return items }
            items.append(try node(from: item, depth: depth + 1))
        }
    }

    private mutating func mapping(depth: Int) throws(Stop) -> [Node.Entry] {
        var entries: [Node.Entry] = []
        var seen: [String: SourceLocation] = [:]
        while true {
            let item = try next()
            if case .mappingEnd = item.kind { return entries }
            let name = try node(from: item, depth: depth + 1)
            let value = try node(from: try next(), depth: depth + 1)
            guard case .scalar(let text) = name.content else {
                findings.append(.error(name.origin, "a key must be a name; this one is \(name.kindInWords)"))
                continue
            }
            if let first = seen[text] {
                findings.append(
                    .error(
                        name.origin,
                        "`\(Quoted.plain(text, limit: 60))` is set twice, first at \(first.label); keep one of the two")
                )
                continue
            }
            seen[text] = name.origin
            entries.append(Node.Entry(name: text, nameOrigin: name.origin, value: value))
        }
    }

    private func next() throws(Stop) -> YAMLParser.Event {
        do {
            return try parser.next()
        } catch {
            let fix =
                error.isEncoding
                ? "; save the file as UTF-8 text" : error.isAtTab ? "; indent with spaces, not with tabs" : ""
            throw Stop(finding: .error(place(error.mark), error.message + fix))
        }
    }

    private func stop(_ item: YAMLParser.Event, _ message: String) -> Stop {
        Stop(finding: .error(place(item.start), message))
    }
}
