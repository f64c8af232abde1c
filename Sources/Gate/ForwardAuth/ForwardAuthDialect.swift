// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP

/// How one kind of proxy describes the request that it asks about, and which responses it understands.
protocol ForwardAuthDialect: Sendable {
    /// The status by which the proxy lets a request pass.
    var grantStatus: UInt16 { get }

    /// The proxy passes on every response to the browser, redirects too. Others understand 401 and 403 alone.
    var passesResponses: Bool { get }

    /// The request that the query describes; nil: it does not in this dialect.
    func description(
        _ fields: OriginalRequestFields, _ query: borrowing AccessRequest
    ) throws(OriginalRequestProblem) -> OriginalRequestLine?
}

/// Why a query has no answer.
enum OriginalRequestProblem: Error, CustomStringConvertible {
    /// The peer is none of `trustedProxies` (CVE-2026-40575).
    case untrusted
    /// There are rules, and the query does not name the path that they apply to.
    case unnamed
    /// Some rule is for certain methods, and the query does not name the method.
    case withoutMethod
    case contradictory, malformed

    var description: String { response.reason.rawValue }

    /// What the proxy's administrator finds in the log and in the body.
    var response: (status: UInt16, reason: Reason) {
        switch self {
        case .untrusted: (403, .proxyNotTrusted)
        case .unnamed: (400, .originalURLMissing)
        case .withoutMethod: (400, .originalMethodMissing)
        case .contradictory: (400, .originalRequestContradictory)
        case .malformed: (400, .originalRequestMalformed)
        }
    }
}

/// What a query says of the original request.
struct OriginalRequestLine {
    var isSecure: Bool?
    var authority: [UInt8]?
    /// `/path?query`
    var target: [UInt8]
    /// nil: not named.
    var method: [UInt8]?

    /// From `/path?query`, or from a whole URL.
    init(_ text: [UInt8], method: [UInt8]?) throws(OriginalRequestProblem) {
        self.method = method
        if text.first == UInt8(ascii: "/") {
            target = text
            return
        }
        guard let scheme = WebScheme(prefixOf: text.span) else { throw .malformed }
        let rest = text.dropFirst(scheme.length)
        let host = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        target = Array(rest.dropFirst(host.count))
        if target.first != UInt8(ascii: "/") { target.insert(UInt8(ascii: "/"), at: 0) }
        guard !host.isEmpty else { throw .malformed }
        isSecure = scheme.isSecure
        authority = Array(host)
    }
}

/// A query that describes no request: it is about the session alone.
struct SessionDialect: ForwardAuthDialect {
    let grantStatus: UInt16 = 202
    let passesResponses = false

    func description(
        _ fields: OriginalRequestFields, _ query: borrowing AccessRequest
    ) throws(OriginalRequestProblem) -> OriginalRequestLine? {
        try OriginalRequestLine([UInt8(ascii: "/")], method: Array("GET".utf8))
    }
}
