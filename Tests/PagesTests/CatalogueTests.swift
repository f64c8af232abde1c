// SPDX-License-Identifier: Apache-2.0

import Decisions
import Testing

@testable import Pages

@Suite("Catalogues")
struct CatalogueTests {
    /// Every text of a language, by what it is.
    private static func texts(_ catalogue: Catalogue) -> [String: String] {
        var texts: [String: String] = [:]
        for phrase in Phrase.allCases { texts[phrase.rawValue] = catalogue.own(phrase) }
        for status in catalogue.knownStatuses {
            texts["\(status).title"] = catalogue.own(status)?.title
            texts["\(status).message"] = catalogue.own(status)?.message
        }
        for reason in catalogue.knownReasons {
            let text = catalogue.own(reason)
            texts["\(reason.rawValue).title"] = text?.title
            texts["\(reason.rawValue).happened"] = text?.happened
            texts["\(reason.rawValue).advice"] = text?.advice
            texts["\(reason.rawValue).fix"] = text?.fix
        }
        return texts
    }

    private static func places(_ text: String) -> Set<Substring> {
        Set(text.split(separator: "{").dropFirst(text.hasPrefix("{") ? 0 : 1).map { $0.prefix { $0 != "}" } })
    }

    /// What is not translated: options, commands, claims, addresses.
    private static func terms(_ text: String) -> Set<Substring> {
        let words = text.split { !($0.isASCII && ($0.isLetter || $0.isNumber || "._/:-".contains($0))) }.map { word in
            word.hasSuffix(".") || word.hasSuffix(":") ? word.dropLast() : word
        }
        return Set(
            words.filter { word in
                ["token.", "session.", "access.", "identityProvider.", "replay.", "upstream.", "provisioning."].contains
                {
                    word.hasPrefix($0) && word.count > $0.count
                } || ["sidegate", "return_to", "invalid_client", "invalid_grant", "X_Forwarded_User"].contains(word)
            })
    }

    @Test("The English catalogue has every phrase")
    func english() {
        for phrase in Phrase.allCases { #expect(Catalogue.english.own(phrase) != nil, "\(phrase)") }
    }

    @Test("Every language has the texts that English has, and no others", arguments: Language.allCases)
    func complete(language: Language) {
        let expected = Set(Self.texts(.english).keys)
        let actual = Set(Self.texts(language.catalogue).keys)
        #expect(expected.subtracting(actual).sorted() == [], "missing")
        #expect(actual.subtracting(expected).sorted() == [], "unknown")
    }

    @Test(
        "Every text has the places for values and the names of options that English has", arguments: Language.allCases)
    func places(language: Language) {
        let english = Self.texts(.english)
        for (key, text) in Self.texts(language.catalogue) {
            #expect(Self.places(text) == Self.places(english[key] ?? ""), "\(key)")
            #expect(Self.terms(text) == Self.terms(english[key] ?? ""), "\(key)")
        }
    }

    @Test("Texts are trimmed, not empty, and without markup or control characters", arguments: Language.allCases)
    func clean(language: Language) {
        for (key, text) in Self.texts(language.catalogue) {
            #expect(!text.isEmpty && text.first != " " && text.last != " " && !text.contains("  "), "\(key)")
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 || $0 == "<" || $0 == ">" }, "\(key)")
        }
    }

    @Test("Titles have no full stop, sentences have one", arguments: Language.allCases)
    func punctuation(language: Language) {
        for (key, text) in Self.texts(language.catalogue) {
            if key.hasSuffix("itle") || key.hasSuffix("abel") {
                #expect(!text.hasSuffix(".") && !text.hasSuffix("。"), "\(key)")
            } else if key.contains(".") {
                #expect(text.hasSuffix(".") || text.hasSuffix("。"), "\(key)")
            }
        }
    }

    @Test("Other languages are not English", arguments: Language.allCases.filter { $0 != .english })
    func translated(language: Language) {
        let english = Self.texts(.english)
        let same = Self.texts(language.catalogue).filter { $0.value.count > 12 && english[$0.key] == $0.value }
        #expect(same.keys.sorted() == [])
    }

    @Test("Problems of fields are named in sentences, and in the ends of sentences for logs")
    func fields() {
        let problems: [(FieldProblem, String)] = [
            (.missing(claims: [], isEmailUnverified: false), "is missing"),
            (.notText, "is neither a text nor a list of texts"),
            (.valueCount(3, limit: 1), "has 3 values; one is accepted"),
            (.valueCount(600, limit: 512), "has 600 values; at most 512 are accepted"),
            (.valueLength(2000, limit: 1024), "has a value of 2000 bytes; at most 1024 are accepted"),
            (.controlCharacter, "has a control character"), (.blankEnd, "has white space at its beginning or end"),
            (.withoutSingleAt, "does not have exactly one @"), (.notPlainEmail, "is not one plain e-mail address"),
            (.total(11_000, limit: 10_240), "makes all fields together 11000 bytes; at most 10240 are accepted"),
        ]
        for (problem, clause) in problems {
            #expect(problem.clause == clause)
            #expect(problem.sentence(about: "nick") == "The field nick \(clause).")
        }
    }

    @Test("Values are put into their places once")
    func filled() {
        let text = Catalogue.english.filled(.returnPathMismatch, ["path": "{expected}", "expected": "/b"])
        #expect(text == "It sent you to {expected}; sign-ins are accepted at /b.")
        #expect(Catalogue.english.filled(.providerErrorCode, [:]) == "Its error code is {code}.")
    }
}

@Suite("Languages of pages")
struct LanguageTests {
    @Test("A page is in the reader's language, and says so", arguments: Language.allCases)
    func reader(language: Language) throws {
        for page in pages(with: "text") {
            let html = String(decoding: try PageRenderer().render(page, in: language), as: UTF8.self)
            #expect(html.hasPrefix("<!doctype html>\n<html lang=\"\(language.rawValue)\" dir=\"ltr\">"))
        }
        let html = String(decoding: try PageRenderer().render(.signedOut(signIn: "/"), in: language), as: UTF8.self)
        #expect(html.contains("<h1>\(HTMLEscape.escape(language.catalogue[.signedOutTitle]))</h1>"))
        #expect(html.contains(HTMLEscape.escape(language.catalogue[.signInAgainLabel])))
    }

    @Test("A fixed language is that of all pages, of redirects too")
    func fixed() throws {
        let renderer = try PageRenderer(language: .german)
        for language in Language.allCases {
            let html = String(decoding: renderer.render(.redirecting(to: "/x"), in: language), as: UTF8.self)
            #expect(html.contains("<html lang=\"de\" dir=\"ltr\">") && html.contains("<a href=\"/x\">Weiter</a>"))
        }
        #expect(
            renderer.redirectPieces.first.map { String(decoding: $0, as: UTF8.self).contains("Einen Moment") } == true)
    }

    @Test("A cause that is known more precisely is said in each language", arguments: Language.allCases)
    func causes(language: Language) {
        let causes: [(RefusalCause, [String])] = [
            (.returnPathMismatch(path: "/x", returnPaths: ["/a", "/b"]), ["/x", "/a \(language.catalogue[.or]) /b"]),
            (.wrongUnit(claim: "exp", unit: "milliseconds"), ["exp", language.catalogue[.milliseconds]]),
            (
                .field("nick", .missing(claims: ["a", "b"], isEmailUnverified: true)),
                ["nick", "a, b", "email_verified"]
            ),
            (.field("nick", .valueLength(1025, limit: 1024)), ["nick", "1025", "1024"]),
            (.field("nick", .session(bytes: 4711, limit: 5)), ["nick", "4711", "5"]),
            (.returnedElsewhere(actual: "http://a", expected: "https://b"), ["http://a", "https://b"]),
            (.providerError(code: "access_denied"), ["access_denied"]),
            (.providerSentNothing, [language.catalogue[.providerSentNothing]]),
            (.attemptFailed, [language.catalogue[.otherReason]]),
            (
                .otherResponseMode(isForm: true),
                [language.catalogue[.responseInForm], language.catalogue[.responseInURL]]
            ),
        ]
        for (cause, parts) in causes {
            let text = ReasonText.of(.providerError, cause, in: language)
            for part in parts { #expect(text.happened.contains(part), "\(text.happened)") }
            #expect(!text.happened.contains("{"))
        }
    }

    @Test(
        "With OpenID Connect no fix names what only ?jwt= providers have; the page has it in each language",
        arguments: Language.allCases)
    func openID(language: Language) throws {
        let foreign = [
            "identityProvider.initiated", "tokenParameter", "token.issuer", "token.audience", "token.keys", "Aliases",
            "requireExpiry",
        ]
        let changed: Set<Reason> = [
            .loginStateMissing, .tokenMissing, .tokenMalformed, .headerMalformed, .claimsMalformed, .algorithmMissing,
            .expiryMissing, .issuedAtMissing, .keyNotFound, .signatureInvalid, .issuerMismatch, .audienceMismatch,
        ]
        for reason in Reason.allCases where reason.text != nil {
            let (own, usual) = (
                ReasonText.of(reason, by: .openID, in: language), ReasonText.of(reason, in: language)
            )
            #expect((own.fix != usual.fix) == changed.contains(reason), "\(reason)")
            #expect(own.title == usual.title && own.happened == usual.happened && own.advice == usual.advice)
            for setting in foreign { #expect(!own.fix.contains(setting), "\(reason): \(own.fix)") }
            let html = String(
                decoding: try PageRenderer().render(
                    .refused(reason: reason, requestID: "r", method: .openID), in: language), as: UTF8.self)
            #expect(html.contains(HTMLEscape.escape(own.fix)), "\(reason)")
        }
    }

    @Test("Custom templates have the words as values")
    func values() throws {
        let renderer = try PageRenderer(templates: [
            "error": "{{language}} {{direction}} {{requestIDLabel}} {{tryAgainLabel}}"
        ])
        let html = renderer.render(.error(status: 500, requestID: "r"), in: .german)
        #expect(String(decoding: html, as: UTF8.self) == "de ltr Anfrage-ID Erneut versuchen")
    }

    @Test("The names that a template includes")
    func includes() {
        #expect(Template.includes(of: "{{> a}}{{>b }}{{ > c}}{{#d}}{{> e-f}}{{/d}}{{>") == ["a", "b", "e-f", ""])
    }
}
