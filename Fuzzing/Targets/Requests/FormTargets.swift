// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Pages
import TestSupport

/// Queries, cookies and forms, against readers that split whole texts.
enum FormTargets {
    static let parameters = FuzzTarget(
        "parameters", maximumLength: 300,
        dictionary: ["&", "=", ";", "; ", "%", "%3d", "%26", "%00", "+", "\"", "sidegate="],
        seeds: {
            ["a=b&c=d", "a=b; c=d", "a&&=b&c=", "jwt=a.b.c&x=%2Fy+z", "a=\"b\"; c; =d", "%zz=%", "a%3Db=c%26d"].map {
                [UInt8]($0)
            }
        }
    ) { input throws(BrokenProperty) in
        try readQuery(input)
        try readCookies(input)
        try decode(input)
        // Forms have at most so many fields, each with a name, and only escapes that are right.
        let form = try? FormContent(input, .urlencoded)
        let parts = input.split(separator: UInt8(ascii: "&")).map { pair(Array($0)) }
        let expected = parts.map { (naive($0.0, plusIsSpace: true), naive($0.1, plusIsSpace: true)) }
        let isGood = expected.allSatisfy { name, value in
            value != nil && name?.contains { $0 != 0 } ?? false
        }
        try require(isGood == (form != nil), "a form is \(form == nil ? "refused" : "accepted")")
        if let form {
            try require(form.fields.map(\.name) == expected.compactMap(\.0), "other names")
            try require(form.fields.map(\.value) == expected.compactMap(\.1), "other values")
        }
    }

    /// `multipart/form-data`. What is accepted is what a browser wrote: written in its way, it is the same text.
    static let multipart = FuzzTarget(
        "multipart", maximumLength: 600,
        dictionary: [
            "\r\n", "--b", "--b--", "\r\n--b\r\n", "Content-Disposition: form-data; name=\"", "\"\r\n\r\n",
            "; filename=\"\"",
            "Content-Type: application/octet-stream", "--", "%22",
        ],
        seeds: {
            [
                "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--\r\n",
                "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b\r\n"
                    + "Content-Disposition: form-data; name=\"f\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                    + "\r\n--b--\r\n", "--b--\r\n", "--b\r\n\r\n\r\n--b--",
            ].map { [UInt8]($0) }
        }
    ) { input throws(BrokenProperty) in
        guard let form = try? FormContent(input, .multipart(boundary: [UInt8]("b"))) else { return }
        var bytes = 0
        var written: [UInt8] = []
        for field in form.fields {
            bytes += field.name.count + field.value.count
            try require(!field.name.contains(UInt8(ascii: "\"")), "a name that ends early: \(field.name.quoted)")
            try require(field.value.firstRange(of: [UInt8]("\r\n--b")) == nil, "a value with a delimiter in it")
            written += [UInt8]("--b\r\nContent-Disposition: form-data; name=\"") + field.name
            written += [UInt8](field.isEmptyFile ? "\"; filename=\"\"\r\n\r\n" : "\"\r\n\r\n") + field.value + [13, 10]
        }
        try require(form.fields.count <= FormContent.maximumFields && bytes <= input.count, "more than there was")
        let again = try? FormContent(written + [UInt8]("--b--\r\n"), .multipart(boundary: [UInt8]("b")))
        try require(again == form, "written again, it is another form: \(written.quoted)")
    }

    private static func readQuery(_ input: [UInt8]) throws(BrokenProperty) {
        var found: [[[UInt8]]] = []
        QueryParameters.forEach(in: input.span, 0..<input.count) { found.append([Array(input[$0]), Array(input[$1])]) }
        let expected = input.split(separator: UInt8(ascii: "&")).map { part in
            let (name, value) = pair(Array(part))
            return [name, value]
        }
        try require(found == expected, "a query is read as \(found)")
    }

    private static func readCookies(_ input: [UInt8]) throws(BrokenProperty) {
        var found: [[[UInt8]]] = []
        CookiePairs.forEach(in: input.span, 0..<input.count) {
            found.append([Array(input[$0.range]), Array(input[$1.range])])
        }
        let expected: [[[UInt8]]] = input.split(separator: UInt8(ascii: ";")).compactMap { part in
            let text = trimmed(Array(part))
            guard !text.isEmpty else { return nil }
            guard text.contains(UInt8(ascii: "=")) else { return [[], text] }
            let (name, value) = pair(text)
            return [trimmed(name), trimmed(value)]
        }
        try require(found == expected, "cookies are read as \(found)")
    }

    private static func decode(_ input: [UInt8]) throws(BrokenProperty) {
        for plusIsSpace in [false, true] {
            var output: [UInt8] = [1]
            let isGood = PercentEncoding.decode(input.span, plusIsSpace: plusIsSpace, into: &output)
            let expected = naive(input, plusIsSpace: plusIsSpace)
            try require(isGood == (expected != nil) && output == [1] + (expected ?? []), "decoded to \(output.quoted)")
            guard let expected else { continue }
            try require(
                PercentEncoding.decodes(input.span, to: expected.span, plusIsSpace: plusIsSpace),
                "does not decode to itself")
            let longer = expected + [0]
            try require(
                !PercentEncoding.decodes(input.span, to: longer.span, plusIsSpace: plusIsSpace),
                "decodes to more as well")
        }
    }

    private static func pair(_ text: [UInt8]) -> ([UInt8], [UInt8]) {
        let parts = text.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        return (Array(parts.first ?? []), parts.count > 1 ? Array(parts[1]) : [])
    }

    private static func trimmed(_ text: [UInt8]) -> [UInt8] {
        let isBlank: (UInt8) -> Bool = { $0 == 32 || $0 == 9 }
        return Array(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }

    /// Nil: an escape is broken.
    private static func naive(_ text: [UInt8], plusIsSpace: Bool) -> [UInt8]? {
        var output: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%") {
                guard index + 2 < text.count else { return nil }
                let digits = String(decoding: text[(index + 1)...(index + 2)], as: UTF8.self)
                guard digits.allSatisfy({ $0.isHexDigit && $0.isASCII }), let byte = UInt8(digits, radix: 16) else {
                    return nil
                }
                output.append(byte)
                index += 3
            } else {
                output.append(text[index] == UInt8(ascii: "+") && plusIsSpace ? 32 : text[index])
                index += 1
            }
        }
        return output
    }
}
