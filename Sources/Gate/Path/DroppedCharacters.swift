// SPDX-License-Identifier: Apache-2.0

/// What some readers leave out of a text, so that what stands around it joins: `adm%93in` becomes `admin`, and `.%93.` a
/// dot segment.
enum DroppedCharacters {
    /// `text` without the bytes that are not UTF-8, as decoders give it that ignore errors (`errors="ignore"` of Python,
    /// with which Bottle reads a path, `//IGNORE` of iconv, `ENT_IGNORE` of PHP); nil when it has none.
    ///
    /// Such decoders differ in how they divide the bytes into errors, which is of no effect where all are left out.
    static func withoutInvalidBytes(_ text: [UInt8]) -> [UInt8]? {
        dropping(from: text) { $0 == nil }
    }

    /// `text` without the characters that are ignorable by default (Unicode's Default_Ignorable_Code_Point), which
    /// NFKC_Casefold, IDNA's mapping and the file system HFS+ leave out; nil when it has none.
    static func withoutIgnorables(_ text: [UInt8]) -> [UInt8]? {
        dropping(from: text) { $0?.properties.isDefaultIgnorableCodePoint ?? false }
    }

    /// - Parameter isDropped: of a character beyond ASCII; of nil: of a byte that is not UTF-8.
    private static func dropping(from text: [UInt8], where isDropped: (Unicode.Scalar?) -> Bool) -> [UInt8]? {
        // Until something is dropped there is nothing to copy.
        var output: [UInt8]?
        var index = 0
        while index < text.count {
            guard text[index] >= 0x80 else {
                output?.append(text[index])
                index += 1
                continue
            }
            let found = text.scalar(at: index)
            let length = found?.length ?? 1
            if !isDropped(found?.scalar) {
                output?.append(contentsOf: text[index..<index + length])
            } else if output == nil {
                output = Array(text[..<index])
            }
            index += length
        }
        return output
    }
}
