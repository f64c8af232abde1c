// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The field lines of a head or of a trailer section, read in pieces (RFC 9112 §5).
///
/// The caller keeps the bytes and only ever appends to them; the section keeps its position, so that every byte is read
/// once, however the input is divided. A fault is detected at the first invalid byte.
struct FieldSection: Sendable {
    private enum Phase: UInt8 {
        case lineStart, name, value, valueLineFeed, endLineFeed
    }

    private var phase = Phase.lineStart
    /// The next byte to read; after the end of the section, the first byte after it.
    private(set) var position: Int
    private var nameStart = 0
    private var nameEnd = 0

    /// A section whose first line starts at `position`.
    init(at position: Int) {
        self.position = position
    }

    /// Reads up to the end of `bytes` or of the section; true if the section has ended.
    mutating func read(
        _ bytes: Span<UInt8>, into fields: inout [Field], limits: borrowing HTTP1Limits
    ) throws(HTTP1Error) -> Bool {
        let count = bytes.count
        var position = position
        while position < count {
            switch phase {
            case .lineStart:
                // Below the count, here and wherever a byte is read without a check: by the loop's condition, or by a
                // later one.
                let first = unsafe bytes[unchecked: position]
                if first == ByteClass.carriageReturn {
                    position &+= 1
                    phase = .endLineFeed
                    continue
                }
                if fields.count >= limits.fields, ByteClass.isToken(first) { throw .tooManyFields }
                nameStart = position
                phase = .name
                fallthrough

            case .name:
                position = ByteClass.endOfToken(bytes, from: position)
                if position &- nameStart > limits.fieldNameBytes { throw .fieldNameTooLong }
                guard position < count else { continue }
                let byte = unsafe bytes[unchecked: position]
                guard byte == UInt8(ascii: ":"), position > nameStart else {
                    throw position > nameStart ? Self.refusal(inName: byte) : Self.refusal(ofLineStart: byte)
                }
                nameEnd = position
                position &+= 1
                phase = .value
                fallthrough

            case .value:
                position = ByteClass.endOfText(bytes, from: position)
                guard position < count else { continue }
                let byte = unsafe bytes[unchecked: position]
                guard byte == ByteClass.carriageReturn else { throw Self.refusal(ofControl: byte) }
                position &+= 1
                phase = .valueLineFeed
                guard position < count else { continue }
                fallthrough

            case .valueLineFeed:
                guard unsafe bytes[unchecked: position] == ByteClass.lineFeed else { throw .bareCR }
                fields.append(try field(in: bytes, valueEnd: position &- 1))
                position &+= 1
                phase = .lineStart

            case .endLineFeed:
                guard unsafe bytes[unchecked: position] == ByteClass.lineFeed else { throw .bareCR }
                self.position = position &+ 1
                return true
            }
        }
        self.position = position
        return false
    }

    /// The field of the line just read, its value without surrounding white space.
    @inline(__always)
    private func field(in bytes: Span<UInt8>, valueEnd: Int) throws(HTTP1Error) -> Field {
        var start = nameEnd &+ 1
        var end = valueEnd
        // Both stay between the colon and the CR.
        while start < end, ByteClass.isBlank(unsafe bytes[unchecked: start]) { start &+= 1 }
        while start < end, ByteClass.isBlank(unsafe bytes[unchecked: end &- 1]) { end &-= 1 }
        let name = bytes.extracting(nameStart..<nameEnd)
        let known = KnownField(name)
        if known == .other, FieldName.couldBeTakenForFraming(name) { throw .ambiguousFieldName }
        return Field(name: ByteRange(nameStart..<nameEnd), value: ByteRange(start..<end), known: known)
    }

    private static func refusal(ofLineStart byte: UInt8) -> HTTP1Error {
        switch byte {
        case UInt8(ascii: ":"): .emptyFieldName
        // RFC 9112 §5.2, and §2.2 for the line after the start line.
        case ByteClass.space, ByteClass.tab: .foldedField
        default: refusal(inName: byte)
        }
    }

    private static func refusal(inName byte: UInt8) -> HTTP1Error {
        switch byte {
        // RFC 9112 §5.1: parsers have read such a line as two different names.
        case ByteClass.space, ByteClass.tab: .spaceBeforeColon
        case 0: .nul
        case ByteClass.lineFeed: .bareLF
        default: .invalidFieldName
        }
    }

    static func refusal(ofControl byte: UInt8) -> HTTP1Error {
        switch byte {
        case 0: .nul
        case ByteClass.lineFeed: .bareLF
        case ByteClass.carriageReturn: .bareCR
        default: .controlByte
        }
    }
}
