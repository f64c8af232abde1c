// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite("Accept-Language")
struct AcceptLanguageTests {
    private static let offered = ["en", "de", "fr", "pt", "zh"]

    private static func preferred(_ values: [String]) -> String? {
        var accept = AcceptLanguage(among: offered)
        for value in values {
            let bytes = Array(value.utf8)
            accept.read(bytes.span)
        }
        return accept.preferred.map { offered[$0] }
    }

    @Test(
        "The language with the greatest weight is preferred, the first of several",
        arguments: [
            ("de", "de"), ("DE", "de"), ("de-AT", "de"), ("de-DE-1996", "de"), ("zh-TW", "zh"), ("zh-Hant-HK", "zh"),
            ("pt-BR,pt;q=0.9,en;q=0.8", "pt"), ("en-US,en;q=0.5", "en"), ("fr;q=0.5,de;q=0.6", "de"),
            ("fr,de", "fr"), ("de,fr", "de"), ("ja,fr;q=0.4,de;q=0.3", "fr"), ("fr;q=0.001", "fr"),
            ("fr ; q=0.5 , de\t;\tq=0.7", "de"), ("de;Q=0.5", "de"), ("de;q=1.000", "de"), ("de;q=1.", "de"),
            (",, ,de,,", "de"), ("de-CH;q=0, de;q=0.5", "de"), ("de;q=0, de-AT", "de"),
        ])
    func preferred(value: String, language: String) {
        #expect(Self.preferred([value]) == language, "\(value)")
    }

    @Test("An asterisk stands for the languages that are not named; the first of ours is preferred")
    func asterisk() {
        #expect(Self.preferred(["*"]) == "en")
        #expect(Self.preferred(["fr, *;q=0.5"]) == "fr")
        #expect(Self.preferred(["ja, *;q=0.5"]) == "en")
        #expect(Self.preferred(["ja, fr;q=0.2, *;q=0.5"]) == "en")
        #expect(Self.preferred(["en;q=0, *"]) == "de")
        #expect(Self.preferred(["*;q=0"]) == nil)
    }

    @Test(
        "A weight of 0 excludes a language; that of a variety, or of an asterisk, no language that is named",
        arguments: [
            ("en;q=0, de", "de"), ("de, en;q=0", "de"), ("en;q=0.000, *;q=0.1", "de"), ("en;q=0, de;q=0, *", "fr"),
            ("*;q=0, de;q=0.5", "de"), ("de;q=0.5, *;q=0", "de"), ("en-GB;q=0, *;q=0.1", "en"), ("en;q=0", nil),
            ("en-GB;q=0", nil), ("de;q=0, fr;q=0", nil), ("en;q=0, de;q=0, fr;q=0, pt;q=0, zh;q=0, *", nil),
        ] as [(String, String?)])
    func excluded(value: String, language: String?) {
        #expect(Self.preferred([value]) == language, "\(value)")
    }

    @Test(
        "Malformed elements are ignored; the others count",
        arguments: [
            "de;q=2", "de;q=1.001", "de;q=0.1234", "de;q=-1", "de;q=", "de;q", "de;", "de;level=1", "de;q=0.5;x=1",
            "de;q =0.5", "de;q=.5", "de;q=0,5", "d3", "de_DE", "de-", "-de", "de--AT", "de AT", "abcdefghi",
            "de-abcdefghi",
            "dé", "de\u{0}", "\"de\"", "de;q=0x1", "de;q=NaN", "**", "*-de", "d*",
        ])
    func malformed(element: String) {
        #expect(Self.preferred(["\(element), fr;q=0.1"]) == "fr", "\(element)")
        #expect(Self.preferred([element]) == nil, "\(element)")
    }

    @Test("Several fields count as one list; none says nothing")
    func several() {
        #expect(Self.preferred(["de;q=0.5", "fr;q=0.6"]) == "fr")
        #expect(Self.preferred(["de", "fr"]) == "de")
        #expect(Self.preferred([]) == nil)
        #expect(Self.preferred([""]) == nil)
        #expect(Self.preferred(["ja, ko"]) == nil)
    }

    @Test("What is read is bounded")
    func bounded() {
        let many = Array(repeating: "xx", count: 63).joined(separator: ",")
        #expect(Self.preferred([many + ",de"]) == "de")
        #expect(Self.preferred([many + ",xx,de"]) == nil)
        let long = Array(repeating: "abcdefgh-abcdefgh-abcdefgh-abcdefgh-abcdefgh-abcdefgh", count: 60).joined(
            separator: ",")
        #expect(Self.preferred(["fr;q=0.1," + long + ",de"]) == "fr")
        // An element that is cut at the bound could say something else than it did.
        #expect(Self.preferred([String(repeating: " ", count: 2043) + "de-AT;q=0"]) == nil)
        #expect(Self.preferred([String(repeating: " ", count: 2046) + "de"]) == "de")
    }
}
