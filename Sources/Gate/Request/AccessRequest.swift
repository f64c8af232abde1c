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
    /// Its trace, as far as this gate begins it or adds spans to it; nil: the app gets what the client sent, or a new one.
    package var trace: TraceContext?

    /// The form that came as its content; nil: not read, or not needed.
    private(set) var form: [UInt8]?
    /// The form that came as its content, as far as it was collected; nil: that was not needed.
    var collectedForm: CollectedForm? { formBox?.form }
    private var formBox: FormBox?
    /// The result of the session store's lookup for this request.
    private(set) var sessionLookup = SessionLookup.notAsked
    /// The result of the replay store's lookup of this request's bearer token.
    private(set) var tokenLookup = TokenLookup.notAsked
    /// What the provider's token endpoint answered.
    var codeExchange: CodeExchangeResult? { exchangedCode?.result }
    private var exchangedCode: ExchangedCode?
    private var sessionLookups = 0
    private var hasRefreshedKeys = false
    /// The peer asks about a request that it got from another.
    private(set) var isPassedOn = false
    private(set) var origin = RequestOrigin()
    private(set) var path = JudgedPath()
    /// The address of `context.peer`, as text; kept from request to request while the peer is the same.
    private(set) var peerText: [UInt8] = []
    private var peerOfText: IPAddress?
    private var rules: RequestRules?
    private(set) var isRead = false

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
        if trace != nil { trace = nil }
        isRead = false
        form = nil
        sessionLookup = .notAsked
        tokenLookup = .notAsked
        sessionLookups = 0
        hasRefreshedKeys = false
        // Hardly any request has one.
        if exchangedCode != nil { exchangedCode = nil }
        if formBox != nil { formBox = nil }
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
        if context.peer != peerOfText {
            peerOfText = context.peer
            peerText.removeAll(keepingCapacity: true)
            if let peer = context.peer { peerText.append(peer) }
        }
        origin = RequestOrigin(head, context, rules)
        path = JudgedPath(head, rules.returnPaths, isRead: rules.readsPaths, delivery)
    }

    /// What of the configuration it is read by.
    var site: RequestRules {
        guard let rules else { preconditionFailure("a request is read before it is judged") }
        return rules
    }

    /// The client asked over https, by what is known so far.
    package var isSecure: Bool { isRead ? origin.isSecure : context.isSecure }

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

    /// The same where it can grant something; nil when it is not certain.
    var knownClient: IPAddress? {
        ClientAddress.known(head, context, trusted: site.trustedProxies, isPassedOn: isPassedOn)
    }

    /// Another request that this one asks about; the lookups count for both.
    func about(_ head: RequestHead, _ context: RequestContext) -> AccessRequest {
        var other = AccessRequest(head, context, id: id)
        other.sessionLookup = sessionLookup
        other.tokenLookup = tokenLookup
        other.hasRefreshedKeys = hasRefreshedKeys
        other.isPassedOn = true
        return other
    }

    enum SessionLookup {
        case notAsked, answered, failed
    }

    enum TokenLookup {
        case notAsked, unused, used, failed
    }

    /// Key sets may be fetched for this request: once.
    var canRefreshKeys: Bool { context.canRefreshKeys && !hasRefreshedKeys }

    mutating func keysRefreshed() {
        hasRefreshedKeys = true
    }

    mutating func codeExchanged(_ result: CodeExchangeResult) {
        exchangedCode = ExchangedCode(result)
    }

    mutating func formCollected(_ form: CollectedForm) {
        formBox = FormBox(form)
    }

    mutating func formReceived(_ form: [UInt8]) {
        self.form = form
    }

    /// The session store has answered about one ticket, or not. Another cookie may hold the ticket of a session that is
    /// there.
    mutating func sessionLookedUp(isAnswered: Bool, isGone: Bool) {
        sessionLookups += 1
        sessionLookup =
            !isAnswered ? .failed : isGone && sessionLookups < Self.maximumLookups ? .notAsked : .answered
    }

    mutating func tokenLookedUp(_ result: TokenLookup) {
        tokenLookup = result
    }

    /// The tickets of one request that the store may be asked about: several cookies may hold one, and those of ended
    /// sessions stay in browsers.
    private static let maximumLookups = 4
}

/// In a box of its own, since hardly any request has one.
private final class ExchangedCode {
    let result: CodeExchangeResult

    init(_ result: CodeExchangeResult) {
        self.result = result
    }
}

private final class FormBox: Sendable {
    let form: CollectedForm

    init(_ form: CollectedForm) {
        self.form = form
    }
}

extension [UInt8] {
    /// An address in its usual text.
    mutating func append(_ address: IPAddress) {
        guard address.isV4 else { return append(contentsOf: address.description.utf8) }
        for shift in stride(from: 24, through: 0, by: -8) {
            append(decimal: (address.low >> UInt64(shift)) & 0xff)
            if shift > 0 { append(UInt8(ascii: ".")) }
        }
    }
}
