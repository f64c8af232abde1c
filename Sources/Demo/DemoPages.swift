// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import Pages

/// The pages of one of the demo's two parties: the shared style in that party's colour, so that users see where they
/// are.
struct DemoPages: Sendable {
    private let templates: [String: Template]
    private let policy: String
    private let party: String

    /// - Parameter formOrigins: where the response to a form may redirect.
    init(party: String, colours: String, templates: [String: String], formOrigins: [String]) {
        self.party = party
        var parts = BuiltInTemplates.parts
        parts["look"] = Self.look + colours
        parts["top"] = Self.top
        parts["end"] = Self.end
        var read: [String: Template] = [:]
        for (name, text) in templates {
            do {
                read[name] = try Template(text, name: name, partials: parts)
            } catch {
                // Built-in text, the same on every start: the tests render each page.
                preconditionFailure(error.description)
            }
        }
        self.templates = read
        let hashes = [PageStyle.sheet, Self.look + colours].map { style -> String in
            let digest = SHA256.hash(Array(style.utf8).span)
            return "'sha256-\(Base64.encodeToString(digest))'"
        }
        let targets = ["'self'"] + formOrigins
        policy =
            "default-src 'none'; style-src \(hashes.joined(separator: " ")); "
            + "form-action \(targets.joined(separator: " ")); base-uri 'none'; frame-ancestors 'none'"
    }

    func respond(_ name: String, _ values: [String: TemplateValue], status: UInt16 = 200) -> LocalResponse {
        var values = values
        values["party"] = .text(party)
        var response = LocalResponse(status: status, body: templates[name]?.render(values) ?? [])
        response.add("Content-Type", "text/html; charset=utf-8")
        response.add("Content-Security-Policy", policy)
        response.add("X-Content-Type-Options", "nosniff")
        response.add("Referrer-Policy", "same-origin")
        response.add("Cache-Control", "no-store")
        return response
    }

    private static let top = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{title}} – {{party}}</title>
        <style>{{> style}}</style>
        <style>{{> look}}</style>
        </head>
        <body>
        <header><span class="dot"></span><strong>{{party}}</strong><span class="soft">Sidegate demo</span></header>
        <main{{#isWide}} class="wide"{{/isWide}}>

        """

    private static let end = """
        </main>
        </body>
        </html>

        """

    private static let look = """
        header{display:flex;gap:.625rem;align-items:center;padding:.875rem 1rem;border-bottom:1px solid var(--line);\
        background:var(--card)}header .soft{margin-left:auto;font-size:.875rem}
        .dot{width:.75rem;height:.75rem;border-radius:50%;background:var(--accent)}
        .people{display:grid;gap:.75rem;margin:1.25rem 0 0}
        .person{display:grid;grid-template-columns:2.75rem 1fr;gap:0 .875rem;align-items:center;width:100%;\
        padding:.75rem 1rem;border:1px solid var(--line);border-radius:.75rem;background:var(--field);color:var(--text);\
        font:inherit;text-align:left;cursor:pointer}
        .person:hover{border-color:var(--accent)}
        .person:focus-visible{border-radius:.75rem}
        .person b,.person i{grid-column:2;overflow-wrap:anywhere}.person i{font-style:normal;font-size:.875rem;color:var(--soft)}
        .face{grid-row:1/3;display:grid;place-items:center;width:2.75rem;height:2.75rem;border-radius:50%;\
        background:var(--accent);color:var(--on-accent);font-weight:700}
        .hello{display:flex;gap:1rem;align-items:center;margin:0 0 1.25rem}.hello .face{flex:none;width:3.5rem;height:3.5rem;\
        font-size:1.375rem}.hello h1,.hello p{margin:0}
        fieldset{margin:.75rem 0 0;padding:0;border:0}label{display:block;padding:.25rem 0}
        input[type=file],input[type=text]{display:block;width:100%;margin:.25rem 0 .75rem;padding:.625rem;font:inherit;\
        color:inherit;background:var(--field);border:1px solid var(--line);border-radius:.5rem}
        .scroll{overflow-x:auto}table{width:100%;border-collapse:collapse;font-size:.875rem}
        th,td{padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
        th{width:18rem;font-weight:600;overflow-wrap:anywhere}td{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",\
        monospace;font-size:.8125rem;overflow-wrap:anywhere}
        tr:last-child th,tr:last-child td{border-bottom:0}
        pre{margin:.5rem 0;padding:.75rem 1rem;overflow-x:auto;background:var(--field);border:1px solid var(--line);\
        border-radius:.5rem}
        @media (max-width:33rem){th,td{display:block;padding:.375rem 0}th{width:auto;padding-bottom:0;border-bottom:0}td{padding-top:0}}

        """
}
