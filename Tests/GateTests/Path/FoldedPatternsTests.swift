// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@testable import Gate

@Suite("Rules for names beyond ASCII")
struct FoldedPatternsTests {
    private static func fold(_ text: String) -> String { FoldedPatterns.fold(Array(text.utf8)) }

    @Test(
        "Texts are equal that NFKC and the folding of case make equal",
        arguments: [
            ("\u{1d6fc}ς", "ας"), ("\u{1d6a8}Σ", "ας"), ("ᵸ", "н"), ("㊐本", "日本"), ("\u{1d6a4}日", "ı日"),
            ("ｶﾞ", "ガ"), ("ﾊﾟ日", "パ日"), ("ｶﾞ", "カ\u{3099}"), ("㍿日", "株式会社日"), ("ﬁς", "fiς"), ("ａς", "Aς"),
            ("ﷺ", "صلى الله عليه وسلم"), ("½日", "1\u{2044}2日"), ("ﬓ", "մն"), ("\u{1e030}", "а"), ("\u{1ccd6}日", "a日"),
            ("ŀ日", "l\u{b7}日"), ("Ǆ日", "dž日"), ("⼀", "一"), ("\u{feff}日", "日"), ("ẞ日", "ss日"),
        ])
    func equal(text: String, other: String) {
        #expect(Self.fold(text) == Self.fold(other))
        #expect(Self.fold(Self.fold(text)) == Self.fold(text))
    }

    @Test("Others stay apart", arguments: [("é", "e"), ("が", "か"), ("日∕本", "日/本"), ("İ", "i"), ("а", "a")])
    func apart(text: String, other: String) {
        #expect(Self.fold(text) != Self.fold(other))
    }

    @Test("Every character of the table is closed, in place of what it becomes and the other way round")
    func everyCharacter() throws {
        let characters = CompatibilityTable.characters.characters
        #expect(characters.count > 2300)
        for character in characters {
            var view = String.UnicodeScalarView()
            let isReplaced = CompatibilityTable.characters.append(character, to: &view)
            #expect(isReplaced)
            #expect(Self.fold(String(character) + "日") == Self.fold(String(view) + "日"), "U+\(character.value)")
        }
    }

    @Test(
        "A rule closes compatible spellings of its path, whichever of them it has",
        arguments: [
            ("/ας/*", "/%F0%9D%9B%BC%CF%82/x"), ("/\u{1d6fc}ς/*", "/%CE%B1%CF%82/x"),
            ("/ας/*", "/%CE%B1%CF%82%EF%BC%8Fx"),
            ("/ガ/*", "/%EF%BD%B6%EF%BE%9E/x"), ("/日/x", "/%E3%8A%90/x"), ("/ας/*", "/%25F0%259D%259B%25BC%25CF%2582/x"),
        ])
    func closed(pattern: String, path: String) throws {
        let rules = AccessRules([
            AccessRule(paths: [try RulePath(pattern)], effect: .deny), AccessRule(paths: [.all], effect: .anyone),
        ])
        let (sent, method) = (Array(path.utf8), Array("GET".utf8))
        switch rules.judge(sent.span, method: method.span) {
        case .rule(let rule): #expect(rule == 0)
        case .rules(let deciding): #expect(deciding.contains(0))
        case .unreadable: Issue.record("unreadable")
        }
    }
}
