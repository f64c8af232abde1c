// SPDX-License-Identifier: Apache-2.0

import Console
import Cryptography
import Decisions
import Testing

@Suite("Pages of the console")
struct ConsolePageTests {
    @Test("whatever comes from outside, the markup is the same", arguments: HTMLTests.hostile + ["ada@example.com"])
    func hostile(text: String) {
        for (page, plain) in zip(Samples.pages(text), Samples.pages()) {
            let (markup, wanted) = (Markup(page.html), Markup(plain.html))
            #expect(markup.faults == [], "\(page.name)")
            #expect(markup.tags.map(\.name) == wanted.tags.map(\.name), "\(page.name)")
            #expect(
                markup.tags.map { $0.attributes.keys.sorted() } == wanted.tags.map { $0.attributes.keys.sorted() },
                "\(page.name)")
            // Addresses lead nowhere else.
            for link in markup.all("a") {
                let address = link.attributes["href"] ?? ""
                #expect(address.isEmpty || "/#".contains(address.prefix(1)), "\(page.name): \(address)")
                #expect(!address.hasPrefix("//"))
            }
        }
    }

    @Test("nothing but the one script and the one style sheet is allowed, and nothing else is there")
    func policy() {
        for (name, html) in Samples.pages() {
            let markup = Markup(html)
            #expect(markup.all("style").map(\.text) == [ConsoleStyle.sheet], "\(name)")
            #expect(markup.all("script").map(\.text).allSatisfy { $0 == ConsoleScript.text }, "\(name)")
            for tag in markup.tags {
                let names = tag.attributes.keys
                #expect(!names.contains("style") && !names.contains { $0.hasPrefix("on") }, "\(name): <\(tag.name)>")
                #expect(!["img", "iframe", "object", "base"].contains(tag.name), "\(name)")
                #expect(tag.attributes["src"] == nil)
            }
        }
        for text in [ConsoleStyle.sheet, ConsoleScript.text] {
            let hash = Base64.encodeToString(SHA256.hash(Array(text.utf8).span))
            #expect(ConsolePolicy.text.contains("'sha256-\(hash)'"))
            #expect(!text.contains("http:") && !text.contains("https:") && !text.contains("</"))
        }
        #expect(ConsolePolicy.text.hasPrefix("default-src 'none'; "))
        #expect(!ConsolePolicy.text.contains("unsafe"))
    }

    @Test("headings are in order, and there is one first")
    func headings() {
        for (name, html) in Samples.pages() {
            let levels = Markup(html).tags.filter { !$0.isEnd && ["h1", "h2", "h3", "h4"].contains($0.name) }
                .compactMap { Int($0.name.dropFirst()) }
            #expect(levels.first == 1 && levels.count { $0 == 1 } == 1, "\(name): \(levels)")
            for (level, next) in zip(levels, levels.dropFirst()) { #expect(next <= level + 1, "\(name): \(levels)") }
        }
    }

    @Test("fields have labels, tables captions and heads, pages landmarks, and identifiers are unique")
    func structure() {
        for (name, html) in Samples.pages() {
            let markup = Markup(html)
            let ids = markup.tags.compactMap { $0.attributes["id"] }
            #expect(Set(ids).count == ids.count, "\(name): \(ids)")
            let labels = Set(markup.all("label").compactMap { $0.attributes["for"] })
            for field in markup.all("input")
            where field.attributes["type"] != "hidden" && field.attributes["hidden"] == nil {
                #expect(labels.contains(field.attributes["id"] ?? "-"), "\(name)")
            }
            #expect(markup.all("caption").count == markup.all("table").count, "\(name)")
            #expect(markup.all("th").allSatisfy { $0.attributes["scope"] != nil }, "\(name)")
            #expect(markup.all("main").count == 1 && markup.all("header").count >= 1, "\(name)")
            #expect(markup.all("html").first?.attributes["lang"] == "en")
            for tag in markup.tags {
                for reference in ["aria-labelledby", "aria-describedby"] {
                    for id in (tag.attributes[reference] ?? "").split(separator: " ") {
                        #expect(ids.contains(String(id)), "\(name): \(reference) \(id)")
                    }
                }
            }
            // The first thing that the keyboard reaches leads past the navigation.
            #expect(markup.all("a").first?.attributes["href"] == "#main" && ids.contains("main"), "\(name)")
        }
    }

    @Test("what changes something is a form by POST that holds the visitor's token")
    func forms() {
        var found = 0
        for (name, html) in Samples.pages() {
            let markup = Markup(html)
            for (index, tag) in markup.tags.enumerated() where tag.name == "form" && !tag.isEnd {
                guard tag.attributes["method"] == "post" else { continue }
                let rest = markup.tags[index...].prefix { !($0.name == "form" && $0.isEnd) }
                let token = rest.first { $0.attributes["name"] == ConsolePage.formTokenName }?.attributes["value"]
                if tag.attributes["action"] == ConsolePath.signIn {
                    #expect(token == nil)
                } else {
                    #expect(token == "form-token", "\(name)")
                    found += 1
                }
            }
        }
        #expect(found > 10)
    }

    @Test("before somebody is let in, nothing is shown about people or the gate")
    func door() {
        for page in [DoorPage.off, .signIn(problem: ""), .refused(title: "No", message: "No.")] {
            let html = String(decoding: page.html.bytes, as: UTF8.self)
            #expect(!html.contains("<script") && !html.contains("form_token"))
            #expect(!html.contains("<nav"))
        }
    }
}

@Suite("What the console says of a person")
struct PeopleTests {
    private func text(_ query: String, _ events: [TrailEvent], sessions: [SessionRow] = []) -> String {
        let page = PeoplePage(
            Samples.facts(events: events.isEmpty ? [Samples.signIn("someone")] : events), Samples.visitor, query: query,
            sessions: ListedSessions(rows: sessions, total: sessions.count, offset: 0))
        return String(decoding: page.html.bytes, as: UTF8.self)
    }

    @Test("a refusal is shown with its reason, its fix, and the request's ID")
    func refused() {
        let event = TrailEvent(
            time: Samples.now - 30, kind: .refused, event: "denied", user: "Ada", reason: .groupMissing,
            detail: "needs editors", client: "192.0.2.7", requestID: "request-17")
        let page = text("ada", [event])
        #expect(page.contains("Ada was refused"))
        for part in ["group_missing", "needs editors", "request-17", "192.0.2.7", "What to do", "30 s ago"] {
            #expect(page.contains(part), "\(part)")
        }
    }

    @Test("a sign-in after the refusal counts")
    func signedInSince() {
        let events = [Samples.refusal("ada", at: Samples.now - 190), Samples.signIn("ada", at: Samples.now - 130)]
        let page = text("ada", events, sessions: [Samples.session("ada")])
        #expect(page.contains("ada is signed in.") && page.contains("There was a refusal before"))
        #expect(text("ada", events).contains("has no session now"))
    }

    @Test("of somebody who was never seen, it says what that can mean")
    func unknown() {
        #expect(text("grace", []).contains("This gate has seen nothing of “grace”."))
    }

    @Test("the request's ID and the client's address lead to a refusal too, and refusals without a name are listed")
    func nameless() {
        let event = TrailEvent(
            time: Samples.now - 30, kind: .refused, event: "denied", reason: .signatureInvalid, client: "192.0.2.9",
            requestID: "request-18")
        for query in ["request-18", "192.0.2.9"] { #expect(text(query, [event]).contains("signature_invalid")) }
        #expect(text("ada", [event]).contains("Refusals without a name"))
    }
}
