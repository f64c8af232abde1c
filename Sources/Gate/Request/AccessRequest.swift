// SPDX-License-Identifier: Apache-2.0

import HTTP

/// One request that is judged: its head, the connection and time it came with, its identifier, and what is derived from
/// them once (``origin``, ``path``).
///
/// An exchange keeps one and fills it for each request. It is lent down the calls and never copied: passing it on costs
/// one register, and no reference is counted.
package struct AccessRequest: ~Copyable {
    package var head = RequestHead()
    package var context = RequestContext(peer: nil, now: 0)
    /// The request's identifier (X-Request-ID), for logs, pages and the app.
    package var id: [UInt8] = []

    private(set) var origin = RequestOrigin()
    private(set) var path = JudgedPath()
    private var rules: RequestRules?
    private var isRead = false

    package init() {}

    package init(_ head: RequestHead, _ context: RequestContext, id: [UInt8] = []) {
        self.head = head
        self.context = context
        self.id = id
    }

    /// Prepares the value for the next request; the memory is kept.
    package mutating func reset() {
        head.reset()
        id.removeAll(keepingCapacity: true)
        isRead = false
    }

    /// Derives origin and path, unless that was done by the same rules.
    mutating func read(by rules: RequestRules, delivery: RequestPath.Delivery = .canonical) {
        // Assigned only when it is another one: each assignment counts references.
        if self.rules !== rules {
            self.rules = rules
            isRead = false
        }
        guard !isRead else { return }
        isRead = true
        origin = RequestOrigin(head, context, rules)
        path = JudgedPath(head, rules, delivery)
    }

    /// What of the configuration it is read by.
    var site: RequestRules {
        guard let rules else { preconditionFailure("a request is read before it is judged") }
        return rules
    }

    /// The identifier as text.
    var idText: String { String(decoding: id, as: UTF8.self) }

    /// The site's origin, as the browser sees it; nil when neither the configuration nor the request names a plain host.
    var publicOrigin: PublicOrigin? { site.publicURL ?? requestOrigin }

    /// The origin that this very request is for, which may be another host of the session's domain.
    var requestOrigin: PublicOrigin? {
        guard origin.host.upperBound <= head.bytes.count else { return nil }
        return PublicOrigin(isSecure: origin.isSecure, authority: head.bytes.span.extracting(origin.host.range))
    }

    /// What sealed cookies are bound to.
    var cookieScope: CookieScope? {
        if let fixed = site.fixedScope { return fixed }
        return requestOrigin.map { CookieScope(isDomain: false, name: $0.host) }
    }

    /// The client's address, behind the trusted proxies; nil when that cannot be determined.
    var client: IPAddress? { ClientAddress.of(head, context, trusted: site.trustedProxies) }
}
