// SPDX-License-Identifier: Apache-2.0

import HTTP
import Pages

/// A return to another address of the site than its public one: another host, or http in place of https. The login cookie
/// from the start of the sign-in is not sent there.
struct ReturnedElsewhere {
    /// Where the browser came back to.
    let actual: PublicOrigin
    /// `publicURL`
    let expected: PublicOrigin

    /// Nil: the address is right, or the browser's view of it is not known.
    init?(_ request: borrowing AccessRequest) {
        guard let expected = request.site.publicURL, let authority = request.requestOrigin else { return nil }
        let isSecure = Self.isSecure(request.head, request.context)
        let isOtherHost =
            authority.host != expected.host && !request.site.targetSite(expected).isInDomain(authority.host)
        guard isOtherHost || (expected.isSecure && isSecure == false) else { return nil }
        actual = authority.over(isSecure: isSecure ?? expected.isSecure)
        self.expected = expected
    }

    /// For the page.
    var cause: RefusalCause { .returnedElsewhere(actual: Self.text(actual), expected: Self.text(expected)) }

    /// For the log.
    var detail: String { "the return came to \(Self.text(actual)); publicURL is \(Self.text(expected))" }

    private static func text(_ origin: PublicOrigin) -> String { String(decoding: origin.text, as: UTF8.self) }

    /// Whether the browser's own connection is encrypted; nil: not known. Behind a proxy that is not trusted to tell, fetch
    /// metadata show it, which browsers send to secure origins only (W3C Fetch Metadata §2.1).
    private static func isSecure(_ request: RequestHead, _ context: RequestContext) -> Bool? {
        if context.isTrustedPeer, let named = RequestOrigin.forwardedScheme(request) { return named }
        if context.isSecure { return true }
        let hasMetadata = request.fields.contains { field in
            switch field.known {
            case .secFetchMode, .secFetchDest, .secFetchSite: true
            default: false
            }
        }
        return hasMetadata ? nil : false
    }
}
