// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The path of a request: the only code that reads one.
///
/// Apps differ in how they read a path, so a request passes only when it passes under every reading (CVE-2019-9901,
/// CVE-2026-33494, CVE-2026-26205). Holding a `RequestPath` proves that no reading of it has a dot segment or begins with
/// two slashes: those lead out of the part of the site that a rule or a return address is about, and readers differ most
/// where they occur.
struct RequestPath {
    /// How the app receives the path.
    enum Delivery {
        /// In its canonical form: Sidegate writes the request that the app gets.
        case canonical
        /// As the client sent it: another proxy serves the app and asks about the request.
        case asSent
    }

    /// Percent-escapes of unreserved characters decoded, the others in upper case, other bytes than ASCII escaped (RFC
    /// 3986 §6.2.2), and one slash at the start. A path in this form is its own canonical form.
    let canonical: [UInt8]
    /// What apps may read in place of it; distinct from each other and from ``canonical``. Empty for most paths.
    let alternates: [[UInt8]]
    /// What apps may read that want printable ASCII alone, and drop or replace the rest (``ASCIIReader``); none of
    /// ``all``. Honest paths beyond ASCII have such readings too, so these count only where a rule is about them: they can
    /// close a path, and decide nothing else.
    let remnants: [[UInt8]]

    /// - Parameter sent: begins with a slash, or is empty (RFC 9112 §3.2.2: the same as a slash).
    init(_ sent: Span<UInt8>, delivery: Delivery) throws(PathProblem) {
        let canonical = try Self.canonical(of: sent)
        self.canonical = canonical
        var start = [canonical]
        if delivery == .asSent, sent.count > 0, !sent.equals(canonical.span) { start.append(Array(copying: sent)) }
        var readings = PathAlternates(of: start)
        try readings.readAll()
        let reduced = try readings.readingsOfPrintableASCII()
        alternates = Array(readings.texts.dropFirst()) + reduced.parents
        remnants = reduced.remnants
    }

    /// All readings, the canonical one first.
    var all: [[UInt8]] { [canonical] + alternates }

    /// Every reader takes `path` for the same: it is its own canonical form and has no alternates. One pass without an
    /// allocation, for the many requests of which this is true.
    static func isPlain(_ path: Span<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for index in path.indices {
            let byte = path[index]
            switch byte {
            case UInt8(ascii: "%"), UInt8(ascii: "\\"), UInt8(ascii: ";"), UInt8(ascii: "+"), UInt8(ascii: "?"),
                UInt8(ascii: "#"), 0..<0x21, 0x7f...:
                return false
            case UInt8(ascii: "/"):
                // A doubled slash, or a segment that ends in a dot.
                if previous == UInt8(ascii: "/") || previous == UInt8(ascii: ".") { return false }
            case UInt8(ascii: "."):
                if previous == UInt8(ascii: "/") { return false }
            default: break
            }
            previous = byte
        }
        return previous != UInt8(ascii: ".") && path.count > 0
    }

    static func canonical(of path: Span<UInt8>) throws(PathProblem) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(path.count + 1)
        var index = 0
        // Two and more plain slashes at the start would name a host where a reader takes the path for a URL reference
        // (RFC 3986 §4.2).
        while index + 1 < path.count, path[index] == UInt8(ascii: "/"), path[index + 1] == UInt8(ascii: "/") {
            index += 1
        }
        while index < path.count {
            let byte = path[index]
            guard byte == UInt8(ascii: "%") else {
                guard byte > 0x20, byte != 0x7f else { throw .controlCharacter }
                if byte < 0x80 { text.append(byte) } else { text.appendPercentEncoded(byte: byte) }
                index += 1
                continue
            }
            guard index + 2 < path.count, let high = Hexadecimal.value(path[index + 1]),
                let low = Hexadecimal.value(path[index + 2])
            else { throw .malformedEscape }
            let value = high << 4 | low
            guard value >= 0x20, value != 0x7f else { throw .controlCharacter }
            if isUnreserved(value) {
                text.append(value)
            } else {
                text.append(UInt8(ascii: "%"))
                text.append(Hexadecimal.digit(high))
                text.append(Hexadecimal.digit(low))
            }
            index += 3
        }
        if text.isEmpty { text.append(UInt8(ascii: "/")) }
        return text
    }

    /// RFC 3986 §2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

/// Why a path cannot be read safely.
enum PathProblem: Error, Equatable, CustomStringConvertible {
    /// `%` without two hexadecimal digits.
    case malformedEscape
    /// Plain or encoded, a zero byte among them.
    case controlCharacter
    /// `%u002f`, or characters in more bytes than they need (RFC 3629 §3): careless decoders make a slash or a dot of
    /// either.
    case otherEncoding
    /// `.` or `..` in some reading.
    case dotSegment
    /// Two slashes or backslashes at the start of some reading.
    case leadingSlashes
    /// Encoded again and again, or more readings than any legitimate path has.
    case tooManyAlternates

    var description: String { detail.description }

    /// For the log and for `explain`.
    var detail: StaticString {
        switch self {
        case .malformedEscape: "a % is not followed by two hexadecimal digits"
        case .controlCharacter: "the path holds a control character"
        case .otherEncoding:
            "the path holds an escape or a character in an encoding that RFC 3986 or UTF-8 does not allow"
        case .dotSegment: "the path holds a dot segment, plain or in a form that some servers resolve"
        case .leadingSlashes: "the path begins with two slashes or backslashes in some reading"
        case .tooManyAlternates: "the path can be read in too many ways"
        }
    }
}
