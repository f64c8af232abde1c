// SPDX-License-Identifier: Apache-2.0

import HTTP
import Pages

/// What is special about a page, as far as its fields depend on it.
struct PageTraits: OptionSet, Hashable {
    let rawValue: UInt8

    static let form = PageTraits(rawValue: 1)
    /// Other pages may show it in a frame: it names nobody and has no form.
    static let framed = PageTraits(rawValue: 2)
    /// It has the one script that pages can have.
    static let script = PageTraits(rawValue: 4)
    /// The next page may know that the browser comes from it.
    static let referring = PageTraits(rawValue: 8)

    /// The page between a return and its target.
    static let returning: PageTraits = [.script, .referring]

    /// Those that pages have.
    static let inUse: [PageTraits] = [.form, .framed, .script, [.script, .framed], .returning]
}

/// The field lines that all pages have, written once.
enum PageFields {
    /// The policy `Referrer-Policy` depends on the traits: a browser says "null" for the origin of a form on a page with
    /// `no-referrer`, and the form would look like another site's; `strict-origin` still keeps path and query, and so the
    /// token, to itself.
    ///
    /// - Parameter formOrigins: more of them than the configuration names.
    static func block(_ configuration: GateConfiguration, _ traits: PageTraits, _ formOrigins: [String]) -> [UInt8] {
        block(
            policy(configuration, traits, formOrigins),
            referrer: traits.contains(.form)
                ? "strict-origin" : traits.contains(.referring) ? "same-origin" : "no-referrer")
    }

    /// Of pages about a form of the app, which may check `Referer` and redirect to any place.
    static func keptForm(_ configuration: GateConfiguration) -> [UInt8] {
        block(configuration.pages.formSecurityPolicy, referrer: "same-origin")
    }

    private static func block(_ policy: String, referrer: String) -> [UInt8] {
        var response = LocalResponse(status: 200)
        response.add("Content-Type", "text/html; charset=utf-8")
        response.add("Cache-Control", "no-store")
        response.add("Content-Security-Policy", policy)
        response.add("Referrer-Policy", referrer)
        response.add("X-Content-Type-Options", "nosniff")
        return response.fieldBlock
    }

    private static func policy(
        _ configuration: GateConfiguration, _ traits: PageTraits, _ formOrigins: [String]
    ) -> String {
        let pages = configuration.pages
        let policy =
            formOrigins.isEmpty
            ? pages.contentSecurityPolicy : pages.contentSecurityPolicy(addingFormOrigins: formOrigins)
        var directives = policy.split(separator: ";").map { String($0.drop { $0 == " " }) }
        if traits.contains(.framed) {
            directives.removeAll { $0.hasPrefix("frame-ancestors ") || $0.hasPrefix("form-action ") }
            directives.append("form-action 'none'")
        }
        if traits.contains(.script) { directives.append("script-src \(PageScript.source)") }
        // Browsers hold `form-action` against redirects too, and one sign-in for many subdomains may end on any of them.
        let domain = configuration.session.domain
        if traits.contains(.form), !domain.isEmpty {
            let scheme = configuration.publicURL.map { $0.isSecure ? "https://" : "http://" } ?? ""
            directives = directives.map {
                $0.hasPrefix("form-action ") ? $0 + " \(scheme)\(domain) \(scheme)*.\(domain)" : $0
            }
        }
        return directives.joined(separator: "; ")
    }
}
