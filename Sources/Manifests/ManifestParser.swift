// SPDX-License-Identifier: Apache-2.0

import CYAML

/// Parses a text into the root of each document, with libyaml. Owns the C parser and frees it.
///
/// All of YAML is accepted, since manifests come from many tools; depth, size and count are bounded. Aliases are not
/// resolved, so a small file cannot become a large tree.
@safe final class ManifestParser {
    /// 32 MiB; the size of `kubectl get --all-namespaces` for a large cluster.
    static let maximumSize = 32 << 20
    static let maximumDepth = 128

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    private let offsets: [Int]

    static func documents(_ text: ManifestText) throws(ManifestProblem) -> [ManifestNode] {
        guard text.bytes.count <= maximumSize else {
            throw ManifestProblem(.start, "larger than \(maximumSize >> 20) MiB; split the manifests")
        }
        guard let parser = ManifestParser(text) else { throw ManifestProblem(.start, "out of memory") }
        var roots: [ManifestNode] = []
        while true {
            let event = try parser.next()
            switch event.kind {
            case .streamEnd: return roots
            case .documentStart: roots.append(try parser.node(try parser.next(), depth: 0))
            default: continue
            }
        }
    }

    private init?(_ text: ManifestText) {
        unsafe parser = .allocate(capacity: 1)
        let content = text.bytes[text.start...]
        unsafe input = .allocate(capacity: content.count)
        _ = unsafe input.initialize(from: content)
        offsets = text.characterOffsets()
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.deallocate()
            unsafe input.deallocate()
            return nil
        }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        // libyaml keeps the pointer; `input` lives as long as the parser.
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    private struct Event {
        enum Kind {
            case documentStart, streamEnd, other
            case scalar(String, isPlain: Bool)
            case sequenceStart, sequenceEnd, mappingStart, mappingEnd
            case alias
        }

        var kind = Kind.other
        var place: ManifestPlace
        var range: Range<Int>
        var isFlow = false
        var isMarked = false
    }

    private func node(_ event: Event, depth: Int) throws(ManifestProblem) -> ManifestNode {
        guard depth < Self.maximumDepth else {
            throw ManifestProblem(event.place, "nested deeper than \(Self.maximumDepth) levels")
        }
        switch event.kind {
        case .scalar(let text, let isPlain):
            return ManifestNode(
                content: .scalar(text, isPlain: isPlain), place: event.place, range: event.range,
                isMarked: event.isMarked)
        case .alias:
            return ManifestNode(content: .alias, place: event.place, range: event.range)
        case .sequenceStart:
            var items: [ManifestNode] = []
            while true {
                let next = try next()
                if case .sequenceEnd = next.kind {
                    return collection(.sequence(items), event, next, end: items.last?.range.upperBound)
                }
                items.append(try node(next, depth: depth + 1))
            }
        case .mappingStart:
            var entries: [ManifestNode.Entry] = []
            while true {
                let next = try next()
                if case .mappingEnd = next.kind {
                    return collection(.mapping(entries), event, next, end: entries.last?.value.range.upperBound)
                }
                let key = try node(next, depth: depth + 1)
                entries.append(ManifestNode.Entry(key: key, value: try node(try self.next(), depth: depth + 1)))
            }
        default:
            throw ManifestProblem(event.place, "a value is expected here")
        }
    }

    /// libyaml ends a collection in block style at the start of the next token, after blank lines and comments.
    private func collection(
        _ content: ManifestNode.Content, _ start: Event, _ end: Event, end last: Int?
    ) -> ManifestNode {
        let upper = start.isFlow ? end.range.upperBound : last ?? start.range.upperBound
        return ManifestNode(
            content: content, place: start.place,
            range: start.range.lowerBound..<max(upper, start.range.lowerBound), isFlow: start.isFlow,
            isMarked: start.isMarked)
    }

    private func next() throws(ManifestProblem) -> Event {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { unsafe yaml_event_delete(&event) }
        let (start, end) = unsafe (offset(event.start_mark.index), offset(event.end_mark.index))
        var result = unsafe Event(place: Self.place(event.start_mark), range: start..<max(start, end))
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT:
            result.kind = .documentStart
        case YAML_STREAM_END_EVENT:
            result.kind = .streamEnd
        case YAML_ALIAS_EVENT:
            result.kind = .alias
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            // libyaml has checked that this is UTF-8.
            let text = unsafe String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            result.kind = .scalar(text, isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE)
            result.isMarked = unsafe scalar.anchor != nil || scalar.tag != nil
        case YAML_SEQUENCE_START_EVENT:
            let sequence = unsafe event.data.sequence_start
            result.kind = .sequenceStart
            result.isFlow = unsafe sequence.style == YAML_FLOW_SEQUENCE_STYLE
            result.isMarked = unsafe sequence.anchor != nil || sequence.tag != nil
        case YAML_SEQUENCE_END_EVENT:
            result.kind = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let mapping = unsafe event.data.mapping_start
            result.kind = .mappingStart
            result.isFlow = unsafe mapping.style == YAML_FLOW_MAPPING_STYLE
            result.isMarked = unsafe mapping.anchor != nil || mapping.tag != nil
        case YAML_MAPPING_END_EVENT:
            result.kind = .mappingEnd
        default:
            break
        }
        return result
    }

    /// Its messages are constants and never contain the text.
    private func problem() -> ManifestProblem {
        let state = unsafe parser.pointee
        let words = unsafe state.problem.map { unsafe String(cString: $0) } ?? "not YAML"
        let context = unsafe state.context.map { unsafe String(cString: $0) + ", " } ?? ""
        if unsafe state.error == YAML_READER_ERROR {
            return ManifestProblem(.start, "byte \(unsafe state.problem_offset): \(words); save the file as UTF-8 text")
        }
        return ManifestProblem(
            unsafe Self.place(state.problem_mark),
            "\(context)\(words); use plain YAML or JSON (render templates first: helm template)")
    }

    private func offset(_ index: Int) -> Int {
        offsets.indices.contains(index) ? offsets[index] : offsets.last ?? 0
    }

    private static func place(_ mark: yaml_mark_t) -> ManifestPlace {
        ManifestPlace(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }
}
