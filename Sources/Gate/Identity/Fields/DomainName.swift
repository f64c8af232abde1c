// SPDX-License-Identifier: Apache-2.0

import HTTP
@_spi(_Unicode) import Swift

/// Domain names as DNS has them: labels with characters beyond ASCII as A-labels (RFC 5890 §2.3.2.1).
package enum DomainName {
    /// In lower case and with A-labels; nil for what cannot be one.
    ///
    /// Stricter than UTS 46: case is folded and the text normalised (NFC), and characters that need another mapping
    /// (compatibility characters, other dots) or whose place in a label matters (joiners, middle dots) are refused. Such
    /// names can be written as A-labels, which are taken as they are.
    package static func ascii(_ name: String) -> [UInt8]? {
        if name.utf8.allSatisfy({ $0 < 0x80 }) { return name.utf8.map(lowercased) }
        var result: [UInt8] = []
        for label in name.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false) {
            if !result.isEmpty { result.append(UInt8(ascii: ".")) }
            guard !label.isEmpty, let ascii = asciiLabel(label) else { return nil }
            result += ascii
        }
        return result.count <= 253 ? result : nil
    }

    /// An e-mail address as it is compared: A to Z are a to z, and the domain is in its ``ascii(_:)`` form. The part before
    /// the `@` belongs to the domain's own rules, so nothing else is done to it. Nil where the domain cannot be one.
    package static func comparable(email: String) -> [UInt8]? {
        if email.utf8.allSatisfy({ $0 < 0x80 }) { return email.utf8.map(lowercased) }
        guard let at = email.utf8.lastIndex(of: UInt8(ascii: "@")) else { return email.utf8.map(lowercased) }
        guard let domain = ascii(String(email[email.utf8.index(after: at)...])) else { return nil }
        return email.utf8[...at].map(lowercased) + domain
    }

    private static func asciiLabel(_ label: Substring.UnicodeScalarView) -> [UInt8]? {
        if label.allSatisfy(\.isASCII) { return label.map { lowercased(UInt8(truncatingIfNeeded: $0.value)) } }
        var folded = ""
        for scalar in label { folded += scalar.properties.lowercaseMapping }
        let scalars = Array(folded._nfc)
        guard scalars.allSatisfy(isPermitted), let first = scalars.first, !isMark(first), first != "-",
            scalars.last != "-", !(scalars.count >= 4 && scalars[2] == "-" && scalars[3] == "-"),
            let encoded = Punycode.encode(scalars), encoded.count <= 59
        else { return nil }
        return Array("xn--".utf8) + encoded
    }

    /// Letters, marks and digits that are what they are in every form of Unicode.
    private static func isPermitted(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return scalar == "-" || "0"..."9" ~= scalar || "a"..."z" ~= scalar
        }
        // Two letters to others, and one in a domain (UTS 46 §7).
        if scalar == "ß" { return true }
        guard !scalar.properties.isDefaultIgnorableCodePoint, LookAlikes.compatible(scalar) == nil,
            !CompatibilityTable.characters.has(scalar)
        else { return false }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark, .decimalNumber: return true
        // The ideographic zero.
        default: return scalar.value == 0x3007
        }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }
}

/// RFC 3492.
enum Punycode {
    /// Nil for a text that is longer than any label.
    static func encode(_ text: [Unicode.Scalar]) -> [UInt8]? {
        guard text.count <= 63 else { return nil }
        var output = text.filter(\.isASCII).map { UInt8(truncatingIfNeeded: $0.value) }
        let basicCount = output.count
        var handled = basicCount
        if basicCount > 0 { output.append(UInt8(ascii: "-")) }
        var next: UInt32 = 0x80
        var delta: UInt32 = 0
        var bias: UInt32 = 72
        while handled < text.count {
            guard let smallest = text.lazy.map(\.value).filter({ $0 >= next }).min() else { return nil }
            // At most 63 times 0x10ffff, which fits.
            delta += (smallest - next) * UInt32(handled + 1)
            next = smallest
            for scalar in text {
                if scalar.value < next { delta += 1 }
                guard scalar.value == next else { continue }
                append(delta, bias, to: &output)
                bias = adapted(delta, count: UInt32(handled + 1), isFirst: handled == basicCount)
                delta = 0
                handled += 1
            }
            delta += 1
            next += 1
        }
        return output
    }

    private static func append(_ number: UInt32, _ bias: UInt32, to output: inout [UInt8]) {
        var rest = number
        var position: UInt32 = 36
        while true {
            let threshold = position <= bias ? 1 : min(position - bias, 26)
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (36 - threshold)))
            rest = (rest - threshold) / (36 - threshold)
            position += 36
        }
        output.append(digit(rest))
    }

    private static func digit(_ value: UInt32) -> UInt8 {
        UInt8(truncatingIfNeeded: value < 26 ? value + 0x61 : value - 26 + 0x30)
    }

    private static func adapted(_ delta: UInt32, count: UInt32, isFirst: Bool) -> UInt32 {
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / count
        var position: UInt32 = 0
        while delta > 455 {
            delta /= 35
            position += 36
        }
        return position + 36 * delta / (delta + 38)
    }
}
