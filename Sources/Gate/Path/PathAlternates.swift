// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The texts that servers and frameworks are known to make of a path: whatever some sequence of their steps leads to.
///
/// The steps are independent of each other: percent-escapes decoded once more; plus signs taken for spaces; backslashes
/// taken for slashes; repeated slashes for one; path parameters dropped; dots and white space at the ends of segments
/// dropped; look-alikes of ASCII characters replaced; bytes that are not UTF-8 dropped; characters that are ignorable by
/// default dropped; the text cut at a question mark or a number sign, as where it is taken for a URL reference
/// (CVE-2024-38474, CVE-2024-38475). An app may take any of them, in any order.
struct PathAlternates {
    /// The starting points, then what the steps make of them, each once.
    private(set) var texts: [[UInt8]]
    /// How often each was decoded.
    private var depths: [Int]
    private var byteCount: Int
    private let maximumByteCount: Int
    private let mode: Mode
    /// Of ``Mode/onlyPrintableASCII``: texts with their parent directories resolved.
    private var parents: [[UInt8]] = []

    enum Mode {
        /// Dot segments and two slashes at the start are a problem.
        case strict
        /// They are read as lenient servers do.
        case resolvesDots
        /// Only printable ASCII is left, and whatever else decoding brings is read in the same way. What honest paths
        /// leave then may begin with two slashes and hold dot segments.
        case onlyPrintableASCII(ASCIIReader)
    }

    init(of start: [[UInt8]], mode: Mode = .strict) {
        texts = start
        depths = start.map { _ in 0 }
        byteCount = start.reduce(0) { $0 + $1.count }
        maximumByteCount = max(Self.minimumBound, 4 * byteCount)
        self.mode = mode
    }

    mutating func readAll() throws(PathProblem) {
        guard texts.allSatisfy({ $0.count <= Self.maximumLength }) else { throw .tooManyAlternates }
        var index = 0
        while index < texts.count {
            try take(texts[index], depth: depths[index])
            index += 1
        }
    }

    /// What remains for readers that want printable ASCII alone, at any point; without ``texts``, all of which were read.
    /// `parents` are those that lead out of a part of the site.
    func readingsOfPrintableASCII() throws(PathProblem) -> (remnants: [[UInt8]], parents: [[UInt8]]) {
        var remnants: [[UInt8]] = []
        var parents: [[UInt8]] = []
        for reader in ASCIIReader.allCases {
            var start: [[UInt8]] = []
            for text in texts {
                guard let rest = try Self.remnant(of: text, for: reader), !texts.contains(rest),
                    !remnants.contains(rest), !start.contains(rest)
                else { continue }
                start.append(rest)
            }
            guard !start.isEmpty else { continue }
            var rest = PathAlternates(of: start, mode: .onlyPrintableASCII(reader))
            try rest.readAll()
            parents += rest.parents.filter { !texts.contains($0) && !parents.contains($0) }
            remnants += rest.texts.filter { !texts.contains($0) && !remnants.contains($0) }
        }
        return (remnants.filter { !parents.contains($0) }, parents)
    }

    /// What `reader` leaves of `text`; nil: nothing but printable ASCII is in it.
    ///
    /// What stands between two dots and vanishes is put there to deceive (`.日.`); initials before a name may leave two dots as
    /// well (`А.С.Пушкин`).
    private static func remnant(of text: [UInt8], for reader: ASCIIReader) throws(PathProblem) -> [UInt8]? {
        guard let rest = reader.rest(of: text) else { return nil }
        guard PathText.hasParentSegment(rest) else { return rest }
        for segment in text.split(separator: UInt8(ascii: "/")) where segment.first == UInt8(ascii: ".") {
            let left = reader.rest(of: Array(segment))
            if left?.elementsEqual("..".utf8) ?? false { throw .dotSegment }
        }
        return rest
    }

    /// Checks one text, and adds what each step makes of it.
    private mutating func take(_ text: [UInt8], depth: Int) throws(PathProblem) {
        let traits = PathTraits(text)
        guard !traits.hasControlCharacter else { throw .controlCharacter }
        if traits.mayHoldOtherEncoding, PathText.holdsOtherEncoding(text) { throw .otherEncoding }
        switch mode {
        case .strict:
            guard !traits.hasDotSegment else { throw .dotSegment }
            guard !traits.beginsWithTwoSlashes else { throw .leadingSlashes }
        case .resolvesDots:
            if traits.hasDotSegment { try add(PathText.resolved(text), depth) }
        case .onlyPrintableASCII(let reader):
            if traits.hasDotSegment {
                let resolved = PathText.resolved(text)
                if PathText.hasParentSegment(text), !parents.contains(resolved) {
                    parents.append(resolved.isEmpty ? [UInt8(ascii: "/")] : resolved)
                }
                try add(resolved, depth)
            }
            if let rest = try Self.remnant(of: text, for: reader) { try add(rest, depth) }
        }
        if traits.hasPercent, let decoded = PathText.decoded(text), decoded != text {
            guard depth < PathText.maximumRounds else { throw .tooManyAlternates }
            try add(decoded, depth + 1)
        }
        if traits.hasBackslash { try add(text.map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }, depth) }
        if traits.hasDoubledSlash { try add(PathText.mergingSlashes(text), depth) }
        if traits.hasParameter { try add(PathText.withoutParameters(text), depth) }
        if traits.hasPlus { try add(text.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }, depth) }
        if traits.mayBeTrimmed {
            try add(PathText.trimmed(text, keepsDots: false), depth)
            // Of a segment of two dots and a space, what is left is the parent directory.
            try add(PathText.trimmed(text, keepsDots: true), depth)
        }
        if traits.hasNonASCII {
            if let folded = LookAlikes.fold(text) { try add(folded, depth) }
            if let rest = DroppedCharacters.withoutInvalidBytes(text) { try add(rest, depth) }
            if let rest = DroppedCharacters.withoutIgnorables(text) { try add(rest, depth) }
        }
        for end in [UInt8(ascii: "?"), UInt8(ascii: "#")] where traits.hasURLDelimiter {
            try add(Array(text.prefix { $0 != end }), depth)
        }
    }

    private mutating func add(_ text: [UInt8], _ depth: Int) throws(PathProblem) {
        if let known = texts.firstIndex(of: text) {
            // Reached in fewer rounds: there is room for more of them.
            depths[known] = min(depths[known], depth)
            return
        }
        byteCount += text.count
        guard texts.count < Self.maximumCount, byteCount <= maximumByteCount else { throw .tooManyAlternates }
        texts.append(text.isEmpty ? [UInt8(ascii: "/")] : text)
        depths.append(depth)
    }

    /// Legitimate paths have one to about twenty readings, of at most a few kilobytes; the bounds keep hostile ones from
    /// costing more than a few milliseconds.
    private static let maximumCount = 256
    private static let minimumBound = 16 * 1024
    private static let maximumLength = 8 * 1024
}

/// What a path holds that some step changes: one pass, so that steps without effect cost nothing.
private struct PathTraits {
    var hasPercent = false
    var hasBackslash = false
    var hasDoubledSlash = false
    var hasParameter = false
    var hasPlus = false
    var hasURLDelimiter = false
    var hasNonASCII = false
    var hasControlCharacter = false
    var hasDotSegment = false
    var beginsWithTwoSlashes = false
    /// Some segment ends with a dot or white space, or begins with a space.
    var mayBeTrimmed = false
    var mayHoldOtherEncoding: Bool { hasPercent || hasNonASCII }

    init(_ text: [UInt8]) {
        var segmentStart = 0
        var isDots = true
        var previous: UInt8 = 0
        func endsSegment(at index: Int) -> Bool { isDots && (1...2).contains(index - segmentStart) }
        for index in text.indices {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "/"):
                if previous == byte, index > 0 { hasDoubledSlash = true }
                if endsSegment(at: index) { hasDotSegment = true }
                noteEnd(previous)
                segmentStart = index + 1
                isDots = true
                previous = byte
                continue
            case UInt8(ascii: "%"): hasPercent = true
            case UInt8(ascii: "\\"): hasBackslash = true
            case UInt8(ascii: ";"): hasParameter = true
            case UInt8(ascii: "+"): hasPlus = true
            case 0x20: if previous == UInt8(ascii: "/") { mayBeTrimmed = true }
            case UInt8(ascii: "?"), UInt8(ascii: "#"): hasURLDelimiter = true
            case 0..<0x20, 0x7f: hasControlCharacter = true
            case 0x80...: hasNonASCII = true
            default: break
            }
            if byte != UInt8(ascii: ".") { isDots = false }
            previous = byte
        }
        if endsSegment(at: text.count) { hasDotSegment = true }
        noteEnd(previous)
        beginsWithTwoSlashes = text.count > 1 && PathText.isSlash(text[0]) && PathText.isSlash(text[1])
    }

    private mutating func noteEnd(_ last: UInt8) {
        switch last {
        case UInt8(ascii: "."), 0x20, 0x85, 0xa0: mayBeTrimmed = true
        default: break
        }
    }
}
