// SPDX-License-Identifier: Apache-2.0

import CYAML

/// libyaml's parser and the text it reads: events come out one by one. Owns the C parser and frees it.
@safe final class YAMLParser {
    struct Mark {
        /// Both count from 1.
        var line: Int
        var column: Int

        init(_ mark: yaml_mark_t) {
            line = Int(clamping: mark.line) + 1
            column = Int(clamping: mark.column) + 1
        }
    }

    enum Event {
        case documentStart
        case scalar(String, isPlain: Bool)
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
        case alias
        case streamEnd
        /// Stream start and document end say nothing of interest.
        case other
    }

    struct Item {
        var event: Event
        var mark: Mark
        var hasAnchor = false
        var hasTag = false
    }

    struct SyntaxError: Error {
        var message: String
        var mark: Mark
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// nil when memory is short.
    init?(_ text: [UInt8]) {
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

    func next() throws(SyntaxError) -> Item {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { unsafe yaml_event_delete(&event) }

        var item = unsafe Item(event: .other, mark: Mark(event.start_mark))
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT:
            item.event = .documentStart
        case YAML_ALIAS_EVENT:
            item.event = .alias
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            // libyaml has checked that this is UTF-8.
            let text = unsafe String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            item.event = .scalar(text, isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE)
            item.hasAnchor = unsafe scalar.anchor != nil
            item.hasTag = unsafe scalar.tag != nil
        case YAML_SEQUENCE_START_EVENT:
            item.event = .sequenceStart
            item.hasAnchor = unsafe event.data.sequence_start.anchor != nil
            item.hasTag = unsafe event.data.sequence_start.tag != nil
        case YAML_SEQUENCE_END_EVENT:
            item.event = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            item.event = .mappingStart
            item.hasAnchor = unsafe event.data.mapping_start.anchor != nil
            item.hasTag = unsafe event.data.mapping_start.tag != nil
        case YAML_MAPPING_END_EVENT:
            item.event = .mappingEnd
        case YAML_STREAM_END_EVENT:
            item.event = .streamEnd
        default:
            item.event = .other
        }
        return item
    }

    /// What libyaml says is wrong. Its messages are constants and never quote the text, so no secret can be in them.
    private func syntaxError() -> SyntaxError {
        let state = unsafe parser.pointee
        let problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? "not YAML"
        let context = unsafe state.context.map { unsafe String(cString: $0) + ", " } ?? ""
        if unsafe state.error == YAML_READER_ERROR {
            let mark = unsafe lineAndColumn(state.problem_offset)
            return SyntaxError(message: "\(problem); save the file as UTF-8 text", mark: mark)
        }
        var message = context + problem
        if unsafe byte(at: state.problem_mark.index) == 9 {
            message += "; indent with spaces, not with tabs"
        }
        return SyntaxError(message: message, mark: unsafe Mark(state.problem_mark))
    }

    private func byte(at offset: Int) -> UInt8? {
        unsafe offset < input.count ? input[offset] : nil
    }

    /// For reader errors libyaml knows the byte's offset only.
    private func lineAndColumn(_ offset: Int) -> Mark {
        var mark = yaml_mark_t()
        for index in 0..<Swift.min(offset, unsafe input.count) {
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
