// SPDX-License-Identifier: Apache-2.0

/// How a reader that wants printable ASCII alone gets it.
enum ASCIIReader: CaseIterable {
    /// All else is dropped, blanks too, as by PHP's `FILTER_SANITIZE_URL`; and `FILTER_FLAG_STRIP_HIGH` or iconv's
    /// `//IGNORE` where nothing else has to be dropped.
    case dropping
    /// Accents are taken off letters, then all else is dropped: compatibility decomposition (NFKD) before `dropping`,
    /// as by Django's `slugify` and Werkzeug's `secure_filename`.
    case decomposing
    /// As `decomposing`, with case folded fully before it (`ß` to `ss`).
    case folding
    /// Letters are replaced by those that look or sound most like them, as by ICU's `Latin-ASCII`, the iconv of glibc
    /// and PHP with `//TRANSLIT`, or Ruby's `transliterate`.
    case transliterating
    /// As `transliterating`, by the rules of certain languages (`ä` to `ae`).
    case spellingOut

    /// What is left of `text`; nil: nothing else is in it.
    func rest(of text: [UInt8]) -> [UInt8]? {
        guard !text.allSatisfy(Self.isPrintable) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            guard text[index] >= 0x80 else {
                if Self.isPrintable(text[index]) { output.append(text[index]) }
                index += 1
                continue
            }
            // Bytes that are not UTF-8 are dropped.
            guard let (scalar, length) = text.scalar(at: index) else {
                index += 1
                continue
            }
            append(scalar, to: &output)
            index += length
        }
        return output
    }

    /// Appends what stands in the place of a character beyond ASCII.
    private func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        let isDone =
            switch self {
            case .dropping: true
            case .decomposing: scalar == "ß" || scalar == "ẞ"
            case .folding: false
            case .transliterating: AccentTable.transliterated.append(scalar, to: &output)
            case .spellingOut:
                AccentTable.spelledOut.append(scalar, to: &output)
                    || AccentTable.transliterated.append(scalar, to: &output)
            }
        guard !isDone, !AccentTable.decomposed.append(scalar, to: &output) else { return }
        let isLoose = self == .transliterating || self == .spellingOut
        let ascii = isLoose ? LookAlikes.ascii(for: scalar) : LookAlikes.compatible(scalar)
        output += (ascii ?? []).filter(Self.isPrintable)
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { (0x21..<0x7f).contains(byte) }
}
