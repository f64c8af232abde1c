// SPDX-License-Identifier: Apache-2.0

/// Renders pages as HTML, with the built-in templates or those of `pages.directory`.
///
/// All templates are parsed on creation, so that an error in one is found by `check` and never on a page.
package struct PageRenderer: Sendable {
    /// The `Content-Security-Policy` for the pages of this renderer: no script, nothing from elsewhere, no framing.
    package let contentSecurityPolicy: String
    /// Which styles and forms that policy is made for.
    private let hasOwnTemplates: Bool
    private let formOrigins: [String]

    /// The one language of all pages; nil: that of the reader.
    package let fixedLanguage: Language?
    private let brand: String
    private let templates: [String: Template]
    /// The page of a redirect without its URL: the parts before, between and after it, in one language for all readers,
    /// who hardly ever see it. For callers that render many of them; the URL must be a ``SafeURL``, and escaped for HTML.
    package let redirectPieces: [[UInt8]]

    /// - Parameters:
    ///   - language: of all pages; nil: that of the reader.
    ///   - brand: the product's name on every page; empty: none.
    ///   - templates: custom templates by name; see ``BuiltInTemplates``. Any other name adds a part, for custom
    ///   templates to include.
    ///   - formOrigins: origins, such as `https://idp.example.com`, that the response to a form may redirect to.
    ///   Browsers apply `form-action` to redirects too, so a logout that ends at the provider needs the origin of its
    ///   URL here. Values that are not origins are ignored.
    package init(
        language: Language? = nil, brand: String = "", templates own: [String: String] = [:],
        formOrigins: [String] = []
    ) throws(TemplateError) {
        fixedLanguage = language
        self.brand = brand
        var parts = BuiltInTemplates.parts
        for (name, text) in own where BuiltInTemplates.pages[name] == nil { parts[name] = text }
        var templates: [String: Template] = [:]
        for (name, text) in BuiltInTemplates.pages {
            templates[name] = try Template(
                own[name] ?? text, name: name, partials: parts, names: BuiltInTemplates.names)
        }
        // Errors in a part that no page includes are reported too.
        for (name, text) in own where BuiltInTemplates.pages[name] == nil {
            _ = try Template(text, name: name, partials: parts, names: BuiltInTemplates.names)
        }
        self.templates = templates
        redirectPieces =
            templates["redirecting"]?.pieces(
                around: "url",
                PageWords(language ?? .standard).values(of: .redirecting(to: ""), brand: brand)) ?? []
        contentSecurityPolicy = Self.policy(hasOwnTemplates: !own.isEmpty, formOrigins: formOrigins)
        hasOwnTemplates = !own.isEmpty
        self.formOrigins = formOrigins
    }

    /// The same policy, with more origins that the response to a form may redirect to: those of a provider whose
    /// endpoints became known later.
    package func contentSecurityPolicy(addingFormOrigins more: [String]) -> String {
        Self.policy(hasOwnTemplates: hasOwnTemplates, formOrigins: Set(formOrigins + more).sorted())
    }

    /// The policy of pages that keep a form: the app may answer it with a redirect to any place, and a page of this site
    /// may have sent it from a frame.
    package var formSecurityPolicy: String {
        Self.policy(hasOwnTemplates: hasOwnTemplates, targets: "'self' http: https:", ancestors: "'self'")
    }

    /// The page as UTF-8 HTML.
    ///
    /// - Parameters:
    ///   - language: the reader's.
    ///   - time: when the request arrived, as the page shows it beside the request's ID; empty: not shown.
    package func render(_ page: Page, in language: Language = .standard, time: String = "") -> [UInt8] {
        let language = fixedLanguage ?? language
        var page = page
        if case .redirecting(let url) = page {
            // A redirect always has a target; one that is not safe as a link becomes the site's root.
            let safe = SafeURL(url)?.text ?? "/"
            if language == fixedLanguage ?? .standard { return redirect(to: safe) }
            page = .redirecting(to: safe)
        }
        guard let template = templates[page.template] else { return [] }
        var values = PageWords(language).values(of: page, brand: brand)
        values["time"] = .text(time)
        return template.render(values)
    }

    private func redirect(to url: String) -> [UInt8] {
        var out: [UInt8] = []
        var isFirst = true
        for piece in redirectPieces {
            if !isFirst { HTMLEscape.append(url, to: &out) }
            isFirst = false
            out.append(contentsOf: piece)
        }
        return out
    }

    /// The policy of the built-in pages, without form origins.
    package static let contentSecurityPolicy = policy(hasOwnTemplates: false, formOrigins: [])

    /// Header fields of every page, besides the policy.
    ///
    /// `strict-origin`: the URL of a page can contain a token, so `Referer` must not carry more than the origin; with
    /// `no-referrer`, forms would send `Origin: null`, like those of other sites.
    package static let fields: [(name: StaticString, value: String)] = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "strict-origin"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ]

    private static func policy(hasOwnTemplates: Bool, formOrigins: [String]) -> String {
        let targets = (["'self'"] + formOrigins.filter(isOrigin)).joined(separator: " ")
        return policy(hasOwnTemplates: hasOwnTemplates, targets: targets, ancestors: "'none'")
    }

    private static func policy(hasOwnTemplates: Bool, targets: String, ancestors: String) -> String {
        let style =
            if !hasOwnTemplates {
                "'sha256-\(PageStyle.sheetHash)' 'sha256-\(PageStyle.smallHash)'"
            } else {
                // Custom templates may have their own styles and images; a hash would disable 'unsafe-inline'.
                "'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'"
            }
        return "default-src 'none'; style-src \(style); form-action \(targets); base-uri 'none'; "
            + "frame-ancestors \(ancestors)"
    }

    /// A scheme, a host and an optional port; nothing that could end the directive or add a source.
    private static func isOrigin(_ text: String) -> Bool {
        guard let url = SafeURL(text), let range = url.text.firstRange(of: "://") else { return false }
        return url.text[range.upperBound...].utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"),
                UInt8(ascii: "["), UInt8(ascii: "]"):
                true
            default: false
            }
        }
    }
}
