// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@testable import Gate

@Suite("Readers that want printable ASCII alone")
struct ASCIIReaderTests {
    private static func rest(_ reader: ASCIIReader, _ text: String) -> String? {
        reader.rest(of: Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether a rule for `pattern` closes `path`, of which every byte beyond ASCII is sent encoded, in a site that is open
    /// otherwise.
    private static func isClosed(_ path: String, by pattern: String) throws -> Bool {
        let rules = AccessRules([
            AccessRule(paths: [try RulePath("/files/public"), try RulePath("/opened/*")], effect: .anyone),
            AccessRule(paths: [try RulePath(pattern)], effect: .deny),
            AccessRule(paths: [.all], effect: .anyone),
        ])
        var sent: [UInt8] = []
        for byte in path.utf8 {
            if byte > 0x20, byte < 0x7f { sent.append(byte) } else { sent.appendPercentEncoded(byte: byte) }
        }
        let method = Array("GET".utf8)
        switch rules.judge(sent.span, method: method.span) {
        case .rule(let rule): return rule == 1
        case .rules(let deciding): return deciding.contains(1)
        case .unreadable: return true
        }
    }

    @Test("What each leaves")
    func rests() {
        let expected: [(String, [String?])] = [
            ("plain", [nil, nil, nil, nil, nil]),
            ("a b", ["ab", "ab", "ab", "ab", "ab"]),
            ("sécret", ["scret", "secret", "secret", "secret", "secret"]),
            ("se\u{301}cret", ["secret", "secret", "secret", "secret", "secret"]),
            ("ÀÉ日", ["", "ae", "ae", "ae", "ae"]),
            ("größe", ["gre", "groe", "grosse", "grosse", "groesse"]),
            ("æøđłþħıŧ", ["", "", "", "aeodlthhit", "aeoedjlthhit"]),
            ("a\u{308}", ["a", "a", "a", "a", "ae"]),
            ("ｘ\u{1d4ea}①", ["", "xa1", "xa1", "xa1", "xa1"]),
            ("½", ["", "12", "12", "1/2", "1/2"]),
            ("x∕y／z", ["xyz", "xy/z", "xy/z", "x/y/z", "x/y/z"]),
            ("–’", ["", "", "", "-'", "-'"]),
        ]
        for (text, rests) in expected {
            #expect(ASCIIReader.allCases.map { Self.rest($0, text) } == rests, "\(text)")
        }
        #expect(ASCIIReader.decomposing.rest(of: [0x61, 0xe9, 0xc3, 0xa9, 0xc3]) == Array("ae".utf8))
    }

    @Test("Every character of the tables is closed that stands in place of its letters in a closed name")
    func everyCharacter() throws {
        for table in [AccentTable.decomposed, AccentTable.transliterated, AccentTable.spelledOut] {
            for character in table.characters {
                var bytes: [UInt8] = []
                let isReplaced = table.append(character, to: &bytes)
                #expect(isReplaced && !bytes.isEmpty)
                let letters = String(decoding: bytes, as: UTF8.self)
                #expect(letters.utf8.allSatisfy { (0x21..<0x7f).contains($0) }, "\(character.value)")
                // Rules are for plain paths.
                guard !letters.utf8.contains(where: { "*;?#\\%".utf8.contains($0) }) else { continue }
                for (name, path) in [("s\(letters)t", "s\(character)t"), ("\(letters)x", "\(character)日x")] {
                    #expect(try Self.isClosed("/files/\(path)", by: "/files/\(name)"), "U+\(character.value) \(path)")
                    #expect(try Self.isClosed("/\(path)/a", by: "/\(name)/*"), "U+\(character.value) \(path)")
                }
            }
        }
    }

    @Test(
        "A rule for an ASCII path closes it for readers that take accents off letters",
        arguments: [
            ("/files/secret.txt", "/files/sécret.txt"), ("/admin/*", "/àdmin/x"), ("/admin/*", "/ÀDMIN/x"),
            ("/Admin/*", "/Ádmîñ/x"), ("/admin/*", "/%C3%A0dmin/x"), ("/admin/*", "/àdm日in/x"),
            ("/password/*", "/paßwörd/x"), ("/password/*", "/paßæwörd/x"), ("/admin/*", "/ａdmíｎ/x"),
            ("/admin/*", "/a\u{1ccd9}mín/x"), ("/admin/*", "/a∕dmín/x"), ("/admin/*", "/admın/x"),
            ("/admin/*", "/adm\u{1d6a4}n/x"), ("/issues/*", "/issüs/1"), ("/issues/*", "/issu\u{308}s/1"),
            ("/logs/*", "/łogs/x"), ("/archive/1/2/*", "/archive/½/x"), ("/my-files/*", "/my–files/x"),
        ])
    func closed(pattern: String, path: String) throws {
        #expect(try Self.isClosed(path, by: pattern))
    }

    @Test(
        "Honest paths with accents are served as their own rules say",
        arguments: ["/opened/café", "/opened/über/größe", "/opened/日本/é", "/opened/乔治·沃克·布什", "/opened/½"])
    func open(path: String) throws {
        #expect(try !Self.isClosed(path, by: "/closed/*"))
        // A rule for all paths is about no reading of this kind.
        #expect(try !Self.isClosed(path, by: "/*"))
    }
}
