// SPDX-License-Identifier: Apache-2.0

import HTTP

/// How the content of a form is written, by its Content-Type.
package enum FormEncoding: Equatable {
    case urlencoded
    case multipart(boundary: [UInt8])

    var isMultipart: Bool { self != .urlencoded }

    /// Nil: it is no form that a browser sends, or two fields describe it.
    init?(_ request: RequestHead) {
        let bytes = request.bytes.span
        var types = 0
        var type = 0..<0
        for field in request.fields {
            switch field.known {
            case .contentType:
                types += 1
                type = field.value.range
            case .other:
                if bytes.extracting(field.name.range).equalsIgnoringCase("content-encoding") { return nil }
            default: break
            }
        }
        guard types == 1 else { return nil }
        self.init(contentType: bytes.extracting(type))
    }

    package init?(contentType text: Span<UInt8>) {
        let end = text.firstIndex(of: UInt8(ascii: ";"), in: 0..<text.count)
        let type = text.extracting(text.trimmed(0..<end))
        if type.equalsIgnoringCase("application/x-www-form-urlencoded") {
            self = .urlencoded
        } else if type.equalsIgnoringCase("multipart/form-data"), let boundary = Self.boundary(text, from: end) {
            self = .multipart(boundary: boundary)
        } else {
            return nil
        }
    }

    /// The one parameter of that name (RFC 2046 §5.1.1), quoted or not.
    private static func boundary(_ text: Span<UInt8>, from start: Int) -> [UInt8]? {
        var found: [UInt8]?
        var start = start + 1
        while start < text.count {
            let end = text.firstIndex(of: UInt8(ascii: ";"), in: start..<text.count)
            let equals = text.firstIndex(of: UInt8(ascii: "="), in: start..<end)
            if equals < end, text.extracting(text.trimmed(start..<equals)).equalsIgnoringCase("boundary") {
                guard found == nil else { return nil }
                var value = text.trimmed(equals + 1..<end)
                if value.count >= 2, text[value.lowerBound] == UInt8(ascii: "\""),
                    text[value.upperBound - 1] == UInt8(ascii: "\"")
                {
                    value = value.lowerBound + 1..<value.upperBound - 1
                }
                let boundary = Array(copying: text.extracting(value))
                guard (1...70).contains(boundary.count), boundary.allSatisfy(isBoundaryByte) else { return nil }
                found = boundary
            }
            start = end + 1
        }
        return found
    }

    private static func isBoundaryByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }
}
