// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc
import HTTP
import Testing

@Suite("Return targets")
struct ReturnTargetTests {
    private func site(_ origin: String = "https://app.example.com", domain: String = "example.com") throws
        -> ReturnTarget.Site
    {
        ReturnTarget.Site(origin: try #require(PublicOrigin(origin)), domain: domain)
    }

    @Test("CVE-2022-23527, CVE-2019-3877, CVE-2021-21291: what a browser could read as another site is refused")
    func hostile() throws {
        let site = try site()
        let lines = try corpus("return-targets-refused.txt")
        #expect(lines.count > 400)
        for line in lines {
            #expect(ReturnTarget(untrusted: line.span, on: site) == nil, "\(String(decoding: line, as: UTF8.self))")
        }
    }

    @Test("what stays here is kept as it is, but for characters that a browser would encode")
    func friendly() throws {
        let site = try site()
        let lines = try corpus("return-targets-accepted.txt")
        #expect(lines.count > 40)
        for line in lines {
            let text = String(decoding: line, as: UTF8.self)
            let target = ReturnTarget(untrusted: line.span, on: site)
            #expect(target != nil, "\(text)")
            #expect(target?.bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f } == true)
            guard line.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { continue }
            // Where readers differ about the path, the host is named.
            #expect(target?.bytes == line || target?.bytes == Array("https://app.example.com".utf8) + line, "\(text)")
        }
    }

    @Test(
        "where a reader that leaves characters out finds two slashes at the start, the host is named",
        arguments: ["/%93/evil.example", "/%ff%2fevil.example", "/%E2%80%8B/evil.example", "/a/.%93.//evil.example"])
    func namedHost(_ text: String) throws {
        let site = try site()
        let target = ReturnTarget(untrusted: Array(text.utf8).span, on: site)
        #expect(target?.bytes == Array("https://app.example.com\(text)".utf8))
    }

    @Test("every control character is refused wherever it stands, plain and in three rounds of encoding")
    func controlCharacters() throws {
        let site = try site()
        for code in Array(UInt8(0)..<0x20) + [0x7f] {
            let hex = (code < 16 ? "0" : "") + String(code, radix: 16)
            for form in [[code], Array("%\(hex)".utf8), Array("%25\(hex)".utf8), Array("%2525\(hex)".utf8)] {
                for (before, after) in [
                    ("/", "/evil.example"), ("/a", ""), ("/a?b=", "c"), ("", "/a"), ("https://app.example.com/", ""),
                ] {
                    let text = Array(before.utf8) + form + Array(after.utf8)
                    #expect(ReturnTarget(untrusted: text.span, on: site) == nil, "\(before)%\(hex)\(after)")
                }
            }
        }
    }

    @Test("without a session domain only the public host is ours, and only on its port")
    func publicHostOnly() throws {
        let site = try site("http://localhost:8080", domain: "")
        for (text, isOurs) in [
            ("http://localhost:8080/x", true), ("https://localhost:8080/x", true), ("http://LOCALHOST:8080", true),
            ("http://localhost/x", false), ("http://localhost:8081/x", false), ("http://a.localhost:8080/", false),
            ("http://localhost:08080/x", true), ("http://localhost:80800/x", false), ("http://localhost:8080x/", false),
        ] {
            #expect((ReturnTarget(untrusted: Array(text.utf8).span, on: site) != nil) == isOurs, "\(text)")
        }
    }

    @Test(
        "a page asked for whose URL a browser would take elsewhere is not come back to",
        arguments: [
            "//evil.example/", "/\\evil.example", "/.//evil.example", "/%2f/evil.example", "/a/..//evil.example",
            "/%2e%2e//evil.example", "/.sidegate/x/..%2F..//evil.example", "/%93/evil.example",
            "/%E2%80%8B/evil.example", "/a/..%ff//evil.example",
        ])
    func ownPages(_ target: String) throws {
        let browser = try Browser()
        let redirect = try browser.get(target)
        guard redirect.status == 302 else {
            #expect(redirect.status == 404 || redirect.status == 400)
            return
        }
        let location = try browser.returned(redirect, token: token()).answer?.location
        #expect(location == "/" || location?.hasPrefix("https://app.example.com/") == true, "\(location ?? "none")")
    }

    @Test("the page first asked for keeps its query")
    func deepLinks() throws {
        for (asked, location) in [
            ("/a?b=%0D%0A&c", "/a?b=%0D%0A&c"), ("/a?jwt=x&b", "/a?jwt=x&b"), ("/a?b&jwt=x;c", "/a?b&jwt=x;c"),
            ("/a?%6awt=x", "/a?%6awt=x"), ("/a?", "/a?"), ("/a%2Fb", "/a%2Fb"), ("/a;p=1/b", "/a;p=1/b"),
        ] {
            let browser = try Browser()
            #expect(try browser.returned(browser.get(asked), token: token()).answer?.location == location)
        }
    }
}

/// The lines of a corpus file as bytes, with `\xNN` resolved; `#` at the start of a line begins a comment.
func corpus(_ name: String, _ here: StaticString = #filePath) throws -> [[UInt8]] {
    let folder = here.description.split(separator: "/").dropLast().joined(separator: "/")
    let file = unsafe fopen("/\(folder)/Corpus/\(name)", "r")
    guard let file = unsafe file else { throw MissingCorpus(name: name) }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = unsafe fgetc(file), byte >= 0 { bytes.append(UInt8(truncatingIfNeeded: byte)) }
    return bytes.split(separator: 10).filter { $0.first != UInt8(ascii: "#") }.map { line in
        var output: [UInt8] = []
        var rest = line[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"), rest.count > 2,
                let code = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
            {
                output.append(code)
                rest = rest.dropFirst(3)
            } else {
                output.append(byte)
            }
        }
        return output
    }
}

struct MissingCorpus: Error {
    let name: String
}
