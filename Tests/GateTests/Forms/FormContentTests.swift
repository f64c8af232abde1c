// SPDX-License-Identifier: Apache-2.0

import Pages
import Testing

@testable import Gate

@Suite("The content of forms")
struct FormContentTests {
    private static func fields(_ text: String, _ encoding: FormEncoding = .urlencoded) throws -> [String] {
        try FormContent(Array(text.utf8), encoding).fields.map { field in
            let (name, value) = (
                String(decoding: field.name, as: UTF8.self), String(decoding: field.value, as: UTF8.self)
            )
            return field.isEmptyFile ? "\(name)!" : "\(name)=\(value)"
        }
    }

    private static func parts(_ text: String) throws -> [String] {
        try fields(text.replacing("\n", with: "\r\n"), .multipart(boundary: Array("B".utf8)))
    }

    @Test(
        "Urlencoded fields, in their order",
        arguments: [
            ("", []), ("a=b", ["a=b"]), ("a=1&b=2&a=1", ["a=1", "b=2", "a=1"]), ("a", ["a="]), ("a=", ["a="]),
            ("&&a=b&", ["a=b"]), ("a=b=c", ["a=b=c"]), ("a+b=%2B+%26", ["a b=+ &"]), ("%3D=%3d", ["==="]),
        ] as [(String, [String])])
    func urlencoded(text: String, expected: [String]) throws {
        #expect(try Self.fields(text) == expected)
    }

    @Test(
        "What no browser has written is not read", arguments: ["=a", "a=%", "a=%4", "a=%zz", "%00=a", "a=b&=", "%g=1"])
    func brokenURLEncoding(text: String) {
        #expect(throws: FormLoss.unsendable) { try Self.fields(text) }
    }

    @Test("A thousand fields are read, and no more")
    func count() throws {
        let text = String(repeating: "a=b&", count: 1000)
        #expect(try Self.fields(text).count == 1000)
        #expect(throws: FormLoss.tooManyFields) { try Self.fields(text + "c") }
    }

    private static let head = "\nContent-Disposition: form-data; name="

    @Test(
        "Parts, in their order",
        arguments: [
            ("--B--\n", []), ("--B--", []),
            ("--B\(head)\"a\"\n\nb\n--B--\n", ["a=b"]), ("--B\(head)\"a\"\n\n\n--B--\n", ["a="]),
            ("--B\(head)\"a\"\n\n\n\nb\n\n--B--\n", ["a=\r\n\r\nb\r\n"]),
            ("--B\(head)\"a\"\n\n1\n--B\(head)\"a\"\n\n2\n--B--\n", ["a=1", "a=2"]),
            ("--B\(head)\"a;b=\"\n\n--B \n--C\n--B--\n", ["a;b=!"]),
            ("--B\(head)\"f\"; filename=\"\"\nContent-Type: application/octet-stream\n\n\n--B--\n", ["f!"]),
        ] as [(String, [String])])
    func multipart(text: String, expected: [String]) throws {
        guard expected != ["a;b=!"] else {
            // A delimiter that another follows is none that a browser writes.
            #expect(throws: FormLoss.unsendable) { try Self.parts(text.replacing("--B \n", with: "x\n--BC\n")) }
            return
        }
        #expect(try Self.parts(text) == expected)
    }

    @Test(
        "Other parts are refused, at whatever place they break",
        arguments: [
            "", "x", "--C--", "--B", "--B\n", "--B-", "--B--x", "x--B--", "--B\(head)\"a\"\n\nb",
            "--B\(head)\"a\n\nb\n--B--",
            "--B\(head)a\n\nb\n--B--", "--B\(head)\"\"\n\nb\n--B--", "--B\n\nb\n--B--",
            "--B\nX: y\(head)\"a\"\n\nb\n--B--",
            "--B\(head)\"a\"\nContent-Type: text/plain\n\nb\n--B--", "--B\(head)\"a\"; x=\"y\"\n\nb\n--B--",
            "--B\(head)\"a\"\(head)\"b\"\n\nc\n--B--", "--B\nContent-Disposition: attachment; name=\"a\"\n\nb\n--B--",
        ])
    func brokenParts(text: String) {
        #expect(throws: FormLoss.unsendable) { try Self.parts(text) }
    }

    @Test("Files are not kept", arguments: ["\"x\"\n\n", "\"\"\n\nx", "x\n\n", "*=UTF-8''x\n\n"])
    func files(text: String) {
        #expect(throws: FormLoss.files) { try Self.parts("--B\(Self.head)\"f\"; filename=\(text)\n--B--") }
    }

    @Test("Any cut of a form is a form or refused, never read beyond its end")
    func cuts() throws {
        let text = "--B\(Self.head)\"a\"\n\n1\n--B\(Self.head)\"f\"; filename=\"\"\nContent-Type: x\n\n\n--B--\n"
        let bytes = Array(text.replacing("\n", with: "\r\n").utf8)
        for end in 0..<bytes.count - 2 {
            #expect(throws: FormLoss.self) {
                _ = try FormContent(Array(bytes[..<end]), .multipart(boundary: Array("B".utf8)))
            }
        }
    }

    @Test(
        "Content types of forms",
        arguments: [
            ("application/x-www-form-urlencoded", .urlencoded),
            ("Application/X-WWW-Form-URLencoded ; charset=UTF-8", .urlencoded),
            ("multipart/form-data; boundary=ab", .multipart(boundary: Array("ab".utf8))),
            ("multipart/form-data;boundary=\"a b\"", nil),
            ("multipart/form-data; x=y; Boundary=\"ab\"", .multipart(boundary: Array("ab".utf8))),
            ("multipart/form-data", nil), ("multipart/form-data; boundary=", nil), ("multipart/mixed; boundary=a", nil),
            ("multipart/form-data; boundary=a; boundary=b", nil), ("text/plain", nil), ("", nil),
            ("multipart/form-data; boundary=\(String(repeating: "x", count: 71))", nil),
        ] as [(String, FormEncoding?)])
    func types(text: String, expected: FormEncoding?) {
        let bytes = Array(text.utf8)
        #expect(FormEncoding(contentType: bytes.span) == expected)
    }

    @Test("The digest is that of the fields and the address, whatever the line ends and the encoding are")
    func digest() throws {
        func digest(_ text: String, at target: String = "/a") throws -> [UInt8] {
            try FormContent(Array(text.utf8), .urlencoded).digest(at: Array(target.utf8))
        }
        let one = try digest("a=x%0D%0Ay&b=%20")
        for same in ["a=x%0Ay&b=+", "a=x%0Dy&b= ", "&a=x%0D%0A%00y&b=%20&"] { #expect(try digest(same) == one) }
        for other in ["a=x%0D%0D%0Ay&b=+", "b=+&a=x%0Ay", "a=x%0Ay", "a=x%0Ay&b=+&b=+", "a=x%0Ay&b=+&c"] {
            #expect(try digest(other) != one)
        }
        #expect(try digest("a=x%0Ay&b=+", at: "/b") != one)
        let part = "--B\(Self.head)\"a\"\n\nx\ny\n--B\(Self.head)\"b\"\n\n \n--B--".replacing("\n", with: "\r\n")
        #expect(
            try FormContent(Array(part.utf8), .multipart(boundary: Array("B".utf8))).digest(at: Array("/a".utf8)) == one
        )
    }
}
