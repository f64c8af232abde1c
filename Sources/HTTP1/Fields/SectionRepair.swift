// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP

/// Rewrites a response's head, or its trailer section, that the strict parser has refused: line by line, into one that it
/// accepts. It judges nothing else: its output is parsed strictly.
///
/// It changes only lines of which no reader takes the framing of the message. A line whose name could be read as that of
/// a field which governs the framing or the connection is neither repaired nor dropped.
struct SectionRepair: Sendable {
    /// How the lines end: as the first one does.
    private enum LineEnd {
        case unknown, crlf, lf
    }

    /// Memory of its own while there is one, so that the parsers which may need one stay small.
    indirect enum State: Sendable {
        case none
        case running(SectionRepair)
    }

    private let isTolerant: Bool
    private var lineEnd: LineEnd
    private var hasStartLine: Bool
    private var lineStart = 0
    /// The next byte to read; after the end of the section, the first byte after it.
    private(set) var position = 0
    /// The lines so far, as they should be.
    private(set) var output: [UInt8] = []
    private(set) var tolerated = TolerationSet()
    /// The value of the first Content-Length, in the output.
    private var contentLength: Range<Int>?

    /// - Parameter isHead: the section begins with a status line.
    init(_ leniency: ResponseLeniency, isHead: Bool) {
        isTolerant = leniency == .tolerant
        hasStartLine = !isHead
        // Trailers end as the chunks before them do.
        lineEnd = isHead ? .unknown : .crlf
    }

    /// Whether a section that was refused because of `error` may be one to repair.
    static func mayFollow(_ error: HTTP1Error, _ leniency: ResponseLeniency) -> Bool {
        switch leniency {
        case .strict: return false
        case .standard: return error == .spaceBeforeColon
        case .tolerant:
            switch error {
            case .spaceBeforeColon, .bareLF, .emptyFieldName, .invalidFieldName, .fieldNameTooLong,
                .repeatedContentLength, .invalidContentLength:
                return true
            default: return false
            }
        }
    }

    /// Reads more of `bytes`, to which the caller only appends; true at the end of the section.
    mutating func read(_ bytes: Span<UInt8>) throws(HTTP1Error) -> Bool {
        while position < bytes.count {
            let lineFeed = bytes.firstIndex(of: ByteClass.lineFeed, in: position..<bytes.count)
            position = lineFeed
            guard lineFeed < bytes.count else { return false }
            position += 1
            let line = bytes.extracting(lineStart..<(try endOfLine(bytes, lineFeed)))
            lineStart = position
            if line.isEmpty, hasStartLine {
                appendLineEnd()
                return true
            }
            if hasStartLine { try addField(line) } else { append(line) }
            hasStartLine = true
        }
        return false
    }

    /// The end of the line's text, of which `lineFeed` is the end.
    private mutating func endOfLine(_ bytes: Span<UInt8>, _ lineFeed: Int) throws(HTTP1Error) -> Int {
        let hasCarriageReturn = lineFeed > lineStart && bytes[lineFeed - 1] == ByteClass.carriageReturn
        switch lineEnd {
        case .unknown where hasCarriageReturn:
            lineEnd = .crlf
        case .unknown:
            guard isTolerant else { throw .bareLF }
            lineEnd = .lf
            tolerated.insert(.bareLF)
        case .crlf:
            guard hasCarriageReturn else { throw .bareLF }
        // Two readers could find the end of the head at different places.
        case .lf:
            guard !hasCarriageReturn else { throw .mixedLineEnds }
        }
        return hasCarriageReturn ? lineFeed - 1 : lineFeed
    }

    private mutating func addField(_ line: Span<UInt8>) throws(HTTP1Error) {
        let nameEnd = ByteClass.endOfToken(line, from: 0)
        var colon = nameEnd
        while colon < line.count, ByteClass.isBlank(line[colon]) { colon += 1 }
        guard nameEnd > 0, colon < line.count, line[colon] == UInt8(ascii: ":") else { return try drop(line) }
        let name = line.extracting(0..<nameEnd)
        if isTolerant, KnownField(name) == .contentLength, colon == nameEnd {
            return addContentLength(line, line.trimmed(colon + 1..<line.count))
        }
        guard colon > nameEnd else { return append(line) }
        if FramingName.isMeant(by: name) { throw .spaceBeforeColon }
        tolerated.insert(.spaceBeforeColon)
        output.append(copying: name)
        append(line.extracting(colon...))
    }

    /// RFC 9112 §6.3: equal values, on several lines or in a list, are one.
    private mutating func addContentLength(_ line: Span<UInt8>, _ value: Range<Int>) {
        guard let number = Self.number(line, value) else { return append(line) }
        let digits = line.extracting(number)
        if let contentLength {
            guard output.span.extracting(contentLength).equalsFoldingCase(digits) else { return append(line) }
            tolerated.insert(.repeatedContentLength)
            return
        }
        if number.count < value.count { tolerated.insert(.repeatedContentLength) }
        output.append("Content-Length: ")
        contentLength = output.count..<output.count + number.count
        append(digits)
    }

    /// The one number that the list at `value` holds, perhaps several times; nil: it is no such list.
    private static func number(_ line: Span<UInt8>, _ value: Range<Int>) -> Range<Int>? {
        var number: Range<Int>?
        var start = value.lowerBound
        while start <= value.upperBound {
            let end = line.firstIndex(of: UInt8(ascii: ","), in: start..<value.upperBound)
            let element = line.trimmed(start..<end)
            guard !element.isEmpty else { return nil }
            for index in element where !ByteClass.isDigit(line[index]) { return nil }
            if let number {
                guard line.extracting(number).equalsFoldingCase(line.extracting(element)) else { return nil }
            } else {
                number = element
            }
            start = end + 1
        }
        return number
    }

    /// A line without a valid name.
    private mutating func drop(_ line: Span<UInt8>) throws(HTTP1Error) {
        if ByteClass.isBlank(line[0]) { throw .foldedField }
        for index in line.indices {
            switch line[index] {
            case 0: throw .nul
            case ByteClass.carriageReturn: throw .bareCR
            default: break
            }
        }
        guard isTolerant else { throw .invalidFieldName }
        let colon = line.firstIndex(of: UInt8(ascii: ":"), in: 0..<line.count)
        // The value: a control byte in the name is one more reason to drop the line.
        let textEnd = ByteClass.endOfText(line, from: min(colon + 1, line.count))
        guard textEnd == line.count else { throw .controlByte }
        if FramingName.isHinted(in: line.extracting(0..<colon)) { throw .ambiguousFieldName }
        tolerated.insert(.invalidFieldName)
    }

    private mutating func append(_ text: Span<UInt8>) {
        output.append(copying: text)
        appendLineEnd()
    }

    private mutating func appendLineEnd() {
        output.append(ByteClass.carriageReturn)
        output.append(ByteClass.lineFeed)
    }
}

/// The fields on which the framing of a message, or what a connection becomes, depends.
private enum FramingName {
    private static let names: [StaticString] = [
        "contentlength", "transferencoding", "connection", "upgrade", "trailer",
    ]

    /// Whether a reader that ignores case and everything but letters and digits takes `name` for one of them.
    static func isMeant(by name: Span<UInt8>) -> Bool {
        let skeleton = skeleton(of: name)
        return names.contains { skeleton.span.equals($0) }
    }

    /// Whether such a reader finds one of them anywhere in `text`.
    static func isHinted(in text: Span<UInt8>) -> Bool {
        let skeleton = skeleton(of: text)
        return names.contains { name in
            let length = name.utf8CodeUnitCount
            guard skeleton.count >= length else { return false }
            return (0...skeleton.count - length).contains { start in
                skeleton.span.extracting(start..<start + length).equals(name)
            }
        }
    }

    /// The letters and digits of `text`, in lower case.
    private static func skeleton(of text: Span<UInt8>) -> [UInt8] {
        var skeleton: [UInt8] = []
        for index in text.indices {
            let byte = FieldName.folded(text[index])
            if byte != UInt8(ascii: "-") { skeleton.append(byte) }
        }
        return skeleton
    }
}
