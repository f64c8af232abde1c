// SPDX-License-Identifier: Apache-2.0

/// Why a text is not accepted as JSON; positions are byte offsets.
package enum JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    case notUTF8
    case byteOrderMark
    /// An invalid byte, or an incomplete text.
    case unexpected(at: Int)
    case duplicateName(at: Int)
    case loneSurrogate(at: Int)
    case trailingData(at: Int)
    case numberTooLong(at: Int)
    case tooDeep(at: Int)
    case tooLarge
    case tooManyValues(limit: Int)

    package var description: String { message }

    /// For humans.
    package var message: String {
        switch self {
        case .notUTF8: "not UTF-8"
        case .byteOrderMark: "starts with a byte order mark"
        case .unexpected(let offset): "not JSON at byte \(offset)"
        case .duplicateName(let offset): "a duplicate name at byte \(offset)"
        case .loneSurrogate(let offset): "a lone surrogate at byte \(offset)"
        case .trailingData(let offset): "data after its end at byte \(offset)"
        case .numberTooLong(let offset):
            "a number of more than \(JSONParser.maximumNumberByteCount) digits at byte \(offset)"
        case .tooDeep(let offset): "nested deeper than \(JSONParser.maximumDepth) levels at byte \(offset)"
        case .tooLarge: "too large"
        case .tooManyValues(let limit): "more than \(limit) values"
        }
    }
}

/// Parses JSON text (RFC 8259) as strictly as the RFC allows, in time and memory proportional to its length.
///
/// Differences between parsers are exploitable, so ambiguous input is rejected: above all duplicate names (RFC 7515 §4
/// and RFC 7519 §4 allow that), but also byte order marks, lone surrogates, data after the end, and everything that is
/// not JSON (NaN, comments, trailing commas).
package struct JSONParser {
    package static let maximumDepth = 32
    /// Conversion to binary is quadratic in the number of digits; no legitimate number has more.
    package static let maximumNumberByteCount = 128
    /// Unless the caller says otherwise. JWK Sets are the largest such input.
    package static let maximumByteCount = 1 << 20

    private var position = 0
    private let maximumValueCount: Int
    private var valueCount = 0

    private init(maximumValueCount: Int) { self.maximumValueCount = maximumValueCount }

    /// Parses the value in `text`.
    ///
    /// - Parameters:
    ///   - limit: larger texts are rejected; in bytes.
    ///   - maximumValueCount: texts with more values, at all levels together, are rejected: a value takes many times the
    ///     memory of its text.
    package static func parse(
        _ text: Span<UInt8>, limit: Int = maximumByteCount, maximumValueCount: Int = .max
    ) throws(JSONError) -> JSONValue {
        guard text.count <= limit else { throw .tooLarge }
        if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF { throw .byteOrderMark }
        // All at once, so that each string in it is known to be valid.
        guard (try? UTF8Span(validating: text)) != nil else { throw .notUTF8 }
        var parser = JSONParser(maximumValueCount: maximumValueCount)
        parser.skipSpace(text)
        let value = try parser.value(text, depth: 0)
        parser.skipSpace(text)
        guard parser.position == text.count else { throw .trailingData(at: parser.position) }
        return value
    }

    private mutating func value(_ text: Span<UInt8>, depth: Int) throws(JSONError) -> JSONValue {
        guard depth < Self.maximumDepth else { throw .tooDeep(at: position) }
        guard valueCount < maximumValueCount else { throw .tooManyValues(limit: maximumValueCount) }
        valueCount += 1
        switch peek(text) {
        case 0x7B: return .object(try object(text, depth: depth))
        case 0x5B: return .array(try array(text, depth: depth))
        case 0x22: return .string(try string(text))
        case .some(let byte) where byte == 0x2D || 0x30...0x39 ~= byte: return .number(try number(text))
        case 0x74:
            try expect("true", text)
            return .bool(true)
        case 0x66:
            try expect("false", text)
            return .bool(false)
        case 0x6E:
            try expect("null", text)
            return .null
        default: throw .unexpected(at: position)
        }
    }

    private mutating func object(_ text: Span<UInt8>, depth: Int) throws(JSONError) -> JSONObject {
        var members: [JSONObject.Member] = []
        // As bytes: a Set of strings takes canonically equivalent ones for one.
        var names: Set<[UInt8]> = []
        position += 1
        skipSpace(text)
        if take(0x7D, text) { return JSONObject() }
        while true {
            let start = position
            guard peek(text) == 0x22 else { throw .unexpected(at: position) }
            let name = try string(text)
            guard names.insert(Array(name.utf8)).inserted else { throw .duplicateName(at: start) }
            skipSpace(text)
            guard take(0x3A, text) else { throw .unexpected(at: position) }
            skipSpace(text)
            members.append(JSONObject.Member(name: name, value: try value(text, depth: depth + 1)))
            skipSpace(text)
            if take(0x7D, text) { return JSONObject(members) }
            guard take(0x2C, text) else { throw .unexpected(at: position) }
            skipSpace(text)
        }
    }

    private mutating func array(_ text: Span<UInt8>, depth: Int) throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        position += 1
        skipSpace(text)
        if take(0x5D, text) { return [] }
        while true {
            elements.append(try value(text, depth: depth + 1))
            skipSpace(text)
            if take(0x5D, text) { return elements }
            guard take(0x2C, text) else { throw .unexpected(at: position) }
            skipSpace(text)
        }
    }

    /// A number's text by the grammar of RFC 8259 §6; its value is computed on demand.
    private mutating func number(_ text: Span<UInt8>) throws(JSONError) -> JSONNumber {
        let start = position
        _ = take(0x2D, text)
        if !take(0x30, text) { try digits(text) }
        if take(0x2E, text) { try digits(text) }
        if take(0x65, text) || take(0x45, text) {
            if !take(0x2B, text) { _ = take(0x2D, text) }
            try digits(text)
        }
        guard position - start <= Self.maximumNumberByteCount else { throw .numberTooLong(at: start) }
        return JSONNumber(text: Self.string(text.extracting(start..<position)))
    }

    /// One digit or more.
    private mutating func digits(_ text: Span<UInt8>) throws(JSONError) {
        let start = position
        while let byte = peek(text), 0x30...0x39 ~= byte { position += 1 }
        guard position > start else { throw .unexpected(at: position) }
    }

    private mutating func string(_ text: Span<UInt8>) throws(JSONError) -> String {
        position += 1
        let start = position
        while position < text.count {
            switch text[position] {
            case 0x22:
                defer { position += 1 }
                return Self.string(text.extracting(start..<position))
            case 0x5C: return try escapedString(text, from: start)
            case 0..<0x20: throw .unexpected(at: position)
            default: position += 1
            }
        }
        throw .unexpected(at: position)
    }

    /// A string with escapes, from `start`; the first backslash is at `position`.
    private mutating func escapedString(_ text: Span<UInt8>, from start: Int) throws(JSONError) -> String {
        var bytes: [UInt8] = []
        for index in start..<position { bytes.append(text[index]) }
        while position < text.count {
            let byte = text[position]
            switch byte {
            case 0x22:
                position += 1
                return Self.string(bytes.span)
            case 0x5C: try escape(text, into: &bytes)
            case 0..<0x20: throw .unexpected(at: position)
            default:
                bytes.append(byte)
                position += 1
            }
        }
        throw .unexpected(at: position)
    }

    private mutating func escape(_ text: Span<UInt8>, into bytes: inout [UInt8]) throws(JSONError) {
        let start = position
        position += 1
        guard let kind = peek(text) else { throw .unexpected(at: position) }
        position += 1
        switch kind {
        case 0x22, 0x5C, 0x2F: bytes.append(kind)
        case 0x62: bytes.append(0x08)
        case 0x66: bytes.append(0x0C)
        case 0x6E: bytes.append(0x0A)
        case 0x72: bytes.append(0x0D)
        case 0x74: bytes.append(0x09)
        case 0x75:
            var code = try hexQuad(text)
            if 0xD800...0xDBFF ~= code {
                guard take(0x5C, text), take(0x75, text) else { throw .loneSurrogate(at: start) }
                let low = try hexQuad(text)
                guard 0xDC00...0xDFFF ~= low else { throw .loneSurrogate(at: start) }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw .loneSurrogate(at: start) }
            bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw .unexpected(at: position - 1)
        }
    }

    private mutating func hexQuad(_ text: Span<UInt8>) throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            switch peek(text) {
            case .some(let digit) where 0x30...0x39 ~= digit: code = code << 4 | UInt32(digit - 0x30)
            case .some(let digit) where 0x41...0x46 ~= digit: code = code << 4 | UInt32(digit - 0x37)
            case .some(let digit) where 0x61...0x66 ~= digit: code = code << 4 | UInt32(digit - 0x57)
            default: throw .unexpected(at: position)
            }
            position += 1
        }
        return code
    }

    private mutating func expect(_ word: StaticString, _ text: Span<UInt8>) throws(JSONError) {
        let word = unsafe UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        for index in 0..<word.count {
            guard take(unsafe word[index], text) else { throw .unexpected(at: position) }
        }
    }

    /// The four white space characters of RFC 8259 §2.
    private mutating func skipSpace(_ text: Span<UInt8>) {
        while let byte = peek(text), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private func peek(_ text: Span<UInt8>) -> UInt8? {
        position < text.count ? text[position] : nil
    }

    private mutating func take(_ byte: UInt8, _ text: Span<UInt8>) -> Bool {
        guard peek(text) == byte else { return false }
        position += 1
        return true
    }

    /// A part of a valid UTF-8 text, delimited by ASCII characters or made of whole scalars.
    private static func string(_ bytes: Span<UInt8>) -> String {
        guard let text = try? UTF8Span(validating: bytes) else { preconditionFailure("validated above") }
        return String(copying: text)
    }
}
