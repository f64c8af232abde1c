// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The line before a chunk: its size, and extensions, which are checked and dropped (RFC 9112 §7.1, §7.1.1).
///
/// The grammar is enforced exactly: parsers that skip to "the next line end" disagree about which byte that is. Only in
/// responses may blanks surround the size, as old servers write it into a field of fixed width: no reader takes them for
/// anything else.
struct ChunkLine: Sendable {
    private enum Phase: UInt8 {
        case firstDigit, digits
        case afterSize, beforeSemicolon, beforeName, name, afterName, beforeValue, value, quoted, quotedPair,
            afterQuoted
        case lineFeed, ended
    }

    private var phase = Phase.firstDigit
    private(set) var size: UInt64 = 0
    /// Bytes of the line so far.
    private(set) var length = 0
    /// There are blanks that only a response may have.
    private(set) var isPadded = false
    private let allowsPadding: Bool
    /// Blanks before the size.
    private var padding = 0

    init(allowsPadding: Bool = false) {
        self.allowsPadding = allowsPadding
    }

    /// The line before the next chunk, by the same rules.
    var following: ChunkLine { ChunkLine(allowsPadding: allowsPadding) }

    /// Takes one byte; returns true for the last one of the line.
    mutating func add(_ byte: UInt8) throws(HTTP1Error) -> Bool {
        length &+= 1
        if phase.rawValue <= Phase.digits.rawValue, let digit = Hexadecimal.value(byte) {
            // At most 16 digits, leading zeros included, and the size far below 2^63.
            guard length &- padding <= 16, size >> 56 == 0 else { throw .chunkSizeOverflow }
            size = size << 4 | UInt64(digit)
            phase = .digits
            return false
        }
        guard let next = next(byte) else {
            guard allowsPadding, let next = nextOfPadding(byte) else { throw refusal(byte) }
            phase = next
            return false
        }
        phase = next
        return next == .ended
    }

    private func next(_ byte: UInt8) -> Phase? {
        let isBlank = ByteClass.isBlank(byte)
        switch (phase, byte) {
        case (.digits, ByteClass.carriageReturn), (.name, ByteClass.carriageReturn),
            (.value, ByteClass.carriageReturn), (.afterQuoted, ByteClass.carriageReturn):
            return .lineFeed
        case (.digits, UInt8(ascii: ";")), (.afterSize, UInt8(ascii: ";")), (.beforeSemicolon, UInt8(ascii: ";")),
            (.name, UInt8(ascii: ";")), (.afterName, UInt8(ascii: ";")), (.value, UInt8(ascii: ";")),
            (.afterQuoted, UInt8(ascii: ";")):
            return .beforeName
        case (.digits, _), (.afterSize, _):
            return isBlank ? .afterSize : nil
        case (.beforeSemicolon, _), (.afterQuoted, _):
            return isBlank ? .beforeSemicolon : nil
        case (.name, UInt8(ascii: "=")), (.afterName, UInt8(ascii: "=")):
            return .beforeValue
        case (.beforeName, _):
            return isBlank ? .beforeName : ByteClass.isToken(byte) ? .name : nil
        case (.name, _):
            return isBlank ? .afterName : ByteClass.isToken(byte) ? .name : nil
        case (.afterName, _):
            return isBlank ? .afterName : nil
        case (.beforeValue, UInt8(ascii: "\"")):
            return .quoted
        case (.beforeValue, _):
            return isBlank ? .beforeValue : ByteClass.isToken(byte) ? .value : nil
        case (.value, _):
            return isBlank ? .beforeSemicolon : ByteClass.isToken(byte) ? .value : nil
        case (.quoted, UInt8(ascii: "\"")):
            return .afterQuoted
        case (.quoted, UInt8(ascii: "\\")):
            return .quotedPair
        case (.quoted, _), (.quotedPair, _):
            return ByteClass.isText(byte) ? .quoted : nil
        case (.lineFeed, _):
            return byte == ByteClass.lineFeed ? .ended : nil
        case (.firstDigit, _), (.ended, _):
            return nil
        }
    }

    /// The phase after a byte of padding, or after the CR that follows it.
    private mutating func nextOfPadding(_ byte: UInt8) -> Phase? {
        switch (phase, byte) {
        case (.firstDigit, ByteClass.space), (.firstDigit, ByteClass.tab):
            padding &+= 1
            isPadded = true
            return .firstDigit
        case (.afterSize, ByteClass.carriageReturn):
            isPadded = true
            return .lineFeed
        default: return nil
        }
    }

    private func refusal(_ byte: UInt8) -> HTTP1Error {
        switch (phase, byte) {
        case (.lineFeed, _): .bareCR
        case (_, 0): .nul
        case (.firstDigit, _): .invalidChunkSize
        case (_, ByteClass.lineFeed): .bareLF
        case (.digits, _), (.afterSize, _), (.beforeSemicolon, _): .invalidChunkSize
        default: .invalidChunkExtension
        }
    }
}
