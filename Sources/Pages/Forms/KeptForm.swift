// SPDX-License-Identifier: Apache-2.0

/// A form that a page keeps, with all that a browser needs to send it again as it was.
///
/// A browser encodes fields in the charset that `accept-charset` names, whatever the page's own is. Fields that are all
/// UTF-8 are written as such. Of others the charset is unknown, and need not be known: read as windows-1252, in which
/// every byte is one character and back (WHATWG Encoding §9.1), they are encoded to the same bytes again.
package struct KeptForm: Equatable, Sendable {
    package struct Field: Equatable, Sendable {
        package let name: [UInt8]
        package let value: [UInt8]
        /// A field for a file, of which none was chosen.
        package let isEmptyFile: Bool

        package init(name: [UInt8], value: [UInt8], isEmptyFile: Bool = false) {
            self.name = name
            self.value = value
            self.isEmptyFile = isEmptyFile
        }

        /// Browsers put the name of the charset into a hidden field of this name (HTML §4.10.22.4).
        fileprivate var isCharset: Bool {
            name.count == 9 && name.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }.elementsEqual("_charset_".utf8)
        }
    }

    /// The address it is sent to.
    private let action: SafeURL
    private let isMultipart: Bool
    private let fields: [Field]
    private let isUTF8: Bool

    /// Nil: `action` is not a URL that a form may be sent to.
    package init?(action: String, isMultipart: Bool, fields: [Field]) {
        guard let url = SafeURL(action) else { return nil }
        self.action = url
        self.isMultipart = isMultipart
        self.fields = fields
        isUTF8 = fields.allSatisfy { Self.isUTF8($0.name) && Self.isUTF8($0.value) }
    }

    var values: [String: TemplateValue] {
        [
            "formURL": .text(action.text),
            "formEncoding": .text(isMultipart ? "multipart/form-data" : "application/x-www-form-urlencoded"),
            "formCharset": .text(isUTF8 ? "utf-8" : "windows-1252"),
            "formFields": .list(
                fields.map { field in
                    [
                        "fieldName": .field(text(field.name)), "fieldValue": .field(text(field.value)),
                        "isEmptyFile": .flag(field.isEmptyFile), "isCharset": .flag(field.isCharset),
                    ]
                }),
        ]
    }

    /// The characters that the browser encodes to `bytes`, as UTF-8. HTML has no NUL.
    private func text(_ bytes: [UInt8]) -> [UInt8] {
        guard !isUTF8 || bytes.contains(0) else { return bytes }
        return [UInt8](capacity: isUTF8 ? bytes.count : bytes.count * Windows1252.maximumLength) { text in
            for byte in bytes where byte != 0 {
                if isUTF8 || byte < 0x80 { text.append(byte) } else { Windows1252.append(upper: byte, to: &text) }
            }
        }
    }

    private static func isUTF8(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }
}
