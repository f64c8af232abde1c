// SPDX-License-Identifier: Apache-2.0

/// Turns pages into HTML, by the built-in templates or by those of `pages.directory`.
package struct PageRenderer: Sendable {
    /// The `Content-Security-Policy` for pages of this renderer.
    package let contentSecurityPolicy: String

    /// - Parameters:
    ///   - brand: the product's name on every page; empty: none.
    ///   - templates: own templates by name.
    ///   - formOrigins: origins, such as `https://idp.example.com`, that a form's answer may redirect to. Browsers apply
    ///     `form-action` to redirects too, so a logout that ends at the provider needs the origin of its URL here.
    package init(brand: String = "", templates: [String: String] = [:], formOrigins: [String] = [])
        throws(TemplateError)
    {
        contentSecurityPolicy = Self.contentSecurityPolicy
    }

    /// The page as UTF-8 HTML.
    package func render(_ page: Page) -> [UInt8] { [] }

    /// The policy of the built-in pages without form origins.
    package static let contentSecurityPolicy =
        "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

/// Why a template cannot be used, and in which line.
package struct TemplateError: Error, Equatable, Sendable {
    package let template: String
    /// From 1.
    package let line: Int
    package let message: String
}
