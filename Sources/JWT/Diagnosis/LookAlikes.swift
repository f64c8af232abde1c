// SPDX-License-Identifier: Apache-2.0

/// Letters of other scripts that look like Latin ones (Unicode TS 39, "confusables"), as they get into names by copying
/// from a manual, or with the wrong keyboard layout.
enum LookAlikes {
    /// The name that `text` looks like, and the letters that differ; nil for plain ASCII, and for text that does not
    /// look like Latin.
    static func latinForm(of text: String) -> (plain: String, letters: [Unicode.Scalar])? {
        var plain = ""
        var letters: [Unicode.Scalar] = []
        for scalar in text.unicodeScalars {
            if scalar.isASCII {
                plain.unicodeScalars.append(scalar)
            } else if let latin = latin[scalar.value] {
                plain += latin
                letters.append(scalar)
            } else if (0xff01...0xff5e).contains(scalar.value), let narrow = Unicode.Scalar(scalar.value - 0xfee0) {
                // Full-width forms.
                plain.unicodeScalars.append(narrow)
                letters.append(scalar)
            } else {
                return nil
            }
        }
        return letters.isEmpty ? nil : (plain, letters)
    }

    /// `Cyrillic "е" (U+0435)`
    static func describe(_ scalar: Unicode.Scalar) -> String {
        let script =
            switch scalar.value {
            case 0x370...0x3ff: "Greek"
            case 0x400...0x52f: "Cyrillic"
            case 0x530...0x58f: "Armenian"
            case 0xff01...0xff5e: "full-width"
            default: "invisible"
            }
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return script == "invisible" ? "an invisible \(code)" : "\(script) \"\(scalar)\" (\(code))"
    }

    private static let latin: [UInt32: String] = [
        // Cyrillic
        0x430: "a", 0x435: "e", 0x43e: "o", 0x440: "p", 0x441: "c", 0x443: "y", 0x445: "x", 0x455: "s", 0x456: "i",
        0x458: "j", 0x501: "d", 0x51b: "q", 0x51d: "w", 0x4bb: "h", 0x4cf: "l", 0x475: "v", 0x44c: "b", 0x433: "r",
        0x43f: "n", 0x442: "t", 0x43c: "m", 0x43a: "k", 0x438: "u",
        0x410: "A", 0x412: "B", 0x415: "E", 0x41a: "K", 0x41c: "M", 0x41d: "H", 0x41e: "O", 0x420: "P", 0x421: "C",
        0x422: "T", 0x423: "Y", 0x425: "X", 0x405: "S", 0x406: "I", 0x408: "J", 0x4ae: "Y", 0x4c0: "I",
        // Greek
        0x3b1: "a", 0x3b5: "e", 0x3b9: "i", 0x3ba: "k", 0x3bd: "v", 0x3bf: "o", 0x3c1: "p", 0x3c4: "t", 0x3c5: "u",
        0x3c7: "x", 0x3b3: "y", 0x3c9: "w", 0x3b7: "n", 0x3f2: "c", 0x3f3: "j",
        0x391: "A", 0x392: "B", 0x395: "E", 0x396: "Z", 0x397: "H", 0x399: "I", 0x39a: "K", 0x39c: "M", 0x39d: "N",
        0x39f: "O", 0x3a1: "P", 0x3a4: "T", 0x3a5: "Y", 0x3a7: "X", 0x37f: "J",
        // Armenian
        0x585: "o", 0x570: "h", 0x578: "n", 0x57d: "u", 0x581: "g", 0x566: "q",
        // Invisible characters
        0xad: "", 0x200b: "", 0x200c: "", 0x200d: "", 0x2060: "", 0xfeff: "",
    ]
}
