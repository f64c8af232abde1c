// SPDX-License-Identifier: Apache-2.0

import HTTP
import Pages

/// The field lines that all pages have, written once.
enum PageFields {
    /// - Parameter hasForm: a browser says "null" for the origin of a form on a page with `no-referrer`, and the form
    ///   would look like another site's; `strict-origin` still keeps path and query, and so the token, to itself.
    /// - Parameter formOrigins: more of them than the configuration names.
    static func block(_ configuration: GateConfiguration, hasForm: Bool, formOrigins: [String]) -> [UInt8] {
        var response = LocalResponse(status: 200)
        response.add("Content-Type", "text/html; charset=utf-8")
        response.add("Cache-Control", "no-store")
        response.add("Content-Security-Policy", policy(configuration, hasForm: hasForm, formOrigins))
        response.add("Referrer-Policy", hasForm ? "strict-origin" : "no-referrer")
        response.add("X-Content-Type-Options", "nosniff")
        return response.fieldBlock
    }

    /// Browsers hold `form-action` against redirects too, and one sign-in for many subdomains may end on any of them.
    private static func policy(
        _ configuration: GateConfiguration, hasForm: Bool, _ formOrigins: [String]
    ) -> String {
        let pages = configuration.pages
        let policy =
            formOrigins.isEmpty
            ? pages.contentSecurityPolicy : pages.contentSecurityPolicy(addingFormOrigins: formOrigins)
        let domain = configuration.session.domain
        guard hasForm, !domain.isEmpty else { return policy }
        let scheme = configuration.publicURL.map { $0.isSecure ? "https://" : "http://" } ?? ""
        return policy.split(separator: ";", omittingEmptySubsequences: false).map { directive in
            directive.drop { $0 == " " }.hasPrefix("form-action ")
                ? directive + " \(scheme)\(domain) \(scheme)*.\(domain)" : String(directive)
        }.joined(separator: ";")
    }
}
