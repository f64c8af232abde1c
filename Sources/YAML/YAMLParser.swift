// SPDX-License-Identifier: Apache-2.0

import CYAML

/// libyaml's parser and the text it reads: events are returned one by one. Owns the C parser and frees it.
@safe package final class YAMLParser {
    package struct Mark: Sendable {
        /// Both count from 1; columns count characters.
        package let line: Int
        package let column: Int
        /// In characters, from 0.
        package let index: Int

        fileprivate init(_ mark: yaml_mark_t) {
            line = Int(clamping: mark.line) + 1
            column = Int(clamping: mark.column) + 1
            index = Int(clamping: mark.index)
        }
    }

    package enum Kind: Sendable {
        case documentStart
        case scalar(String, isPlain: Bool)
        case sequenceStart(isFlow: Bool)
        case sequenceEnd
        case mappingStart(isFlow: Bool)
        case mappingEnd
        case alias
        case streamEnd
        /// The start of the stream or the end of a document.
        case other
    }

    package struct Event: Sendable {
        package fileprivate(set) var kind: Kind
        package let start: Mark
        package let end: Mark
        package fileprivate(set) var hasAnchor = false
        package fileprivate(set) var hasTag = false
    }

    package struct SyntaxError: Error, Sendable, CustomStringConvertible {
        /// libyaml's words. They are constants and never quote the text, so they contain no secret.
        package let message: String
        package let mark: Mark
        /// The bytes are not UTF-8, or contain characters that YAML forbids.
        package let isEncoding: Bool
        /// A tab stands there.
        package let isAtTab: Bool

        package var description: String { message }
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// nil when memory is short.
    package init?(_ text: some Collection<UInt8>) {
        unsafe parser = .allocate(capacity: 1)
        unsafe input = .allocate(capacity: text.count)
        _ = unsafe input.initialize(from: text)
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

    package func next() throws(SyntaxError) -> Event {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { unsafe yaml_event_delete(&event) }

        var result = unsafe Event(kind: .other, start: Mark(event.start_mark), end: Mark(event.end_mark))
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT:
            result.kind = .documentStart
        case YAML_ALIAS_EVENT:
            result.kind = .alias
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            // libyaml has checked that this is UTF-8.
            let text = unsafe String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            result.kind = .scalar(text, isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE)
            (result.hasAnchor, result.hasTag) = unsafe (scalar.anchor != nil, scalar.tag != nil)
        case YAML_SEQUENCE_START_EVENT:
            let sequence = unsafe event.data.sequence_start
            result.kind = .sequenceStart(isFlow: unsafe sequence.style == YAML_FLOW_SEQUENCE_STYLE)
            (result.hasAnchor, result.hasTag) = unsafe (sequence.anchor != nil, sequence.tag != nil)
        case YAML_SEQUENCE_END_EVENT:
            result.kind = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let mapping = unsafe event.data.mapping_start
            result.kind = .mappingStart(isFlow: unsafe mapping.style == YAML_FLOW_MAPPING_STYLE)
            (result.hasAnchor, result.hasTag) = unsafe (mapping.anchor != nil, mapping.tag != nil)
        case YAML_MAPPING_END_EVENT:
            result.kind = .mappingEnd
        case YAML_STREAM_END_EVENT:
            result.kind = .streamEnd
        default:
            break
        }
        return result
    }

    private func syntaxError() -> SyntaxError {
        let state = unsafe parser.pointee
        let problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? "not YAML"
        if unsafe state.error == YAML_READER_ERROR {
            let mark = unsafe lineAndColumn(state.problem_offset)
            return SyntaxError(message: problem, mark: mark, isEncoding: true, isAtTab: false)
        }
        let context = unsafe state.context.map { unsafe String(cString: $0) + ", " } ?? ""
        return SyntaxError(
            message: context + problem, mark: unsafe Mark(state.problem_mark), isEncoding: false,
            isAtTab: unsafe byte(at: state.problem_mark.index) == 9)
    }

    private func byte(at offset: Int) -> UInt8? {
        unsafe offset < input.count ? input[offset] : nil
    }

    /// For reader errors libyaml knows the byte's offset only.
    private func lineAndColumn(_ offset: Int) -> Mark {
        var mark = yaml_mark_t()
        for index in 0..<min(offset, unsafe input.count) {
            let byte = unsafe input[index]
            if byte == 10 {
                mark.line += 1
                mark.column = 0
            } else if byte & 0xC0 != 0x80 {
                mark.column += 1
            }
        }
        return Mark(mark)
    }
}
