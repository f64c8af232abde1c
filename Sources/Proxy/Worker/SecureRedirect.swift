// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP

/// Redirects requests over plain HTTP to https: to the public origin, or to the host that was requested.
package struct SecureRedirect: Sendable {
    private let origin: PublicOrigin?
    private let port: UInt16

    /// - Parameters:
    ///   - origin: nil: the host that was requested.
    ///   - port: the port of https on that host.
    package init(origin: PublicOrigin?, port: UInt16) {
        self.origin = origin
        self.port = port
    }

    /// The response to any request.
    package func answer(_ request: RequestHead) -> LocalResponse {
        guard var location = target(request) else { return LocalResponse(status: 400) }
        let bytes = request.bytes
        guard request.path.upperBound <= bytes.count, (request.query?.upperBound ?? 0) <= bytes.count else {
            return LocalResponse(status: 400)
        }
        let path = bytes[request.path.range]
        // `OPTIONS *` has no path.
        location += path.first == UInt8(ascii: "/") ? Array(path) : [UInt8(ascii: "/")]
        if let query = request.query { location += [UInt8(ascii: "?")] + bytes[query.range] }
        // RFC 9110 §15.4.9: the method does not change.
        var response = LocalResponse(status: 308)
        response.add("Location", location)
        response.outcome = .redirect
        return response
    }

    private func target(_ request: RequestHead) -> [UInt8]? {
        if let origin { return origin.text }
        guard request.authority.upperBound <= request.bytes.count,
            let asked = PublicOrigin(
                isSecure: false, authority: request.bytes.span.extracting(request.authority.range))
        else { return nil }
        let authority = port == 443 ? asked.host : asked.host + Array(":\(port)".utf8)
        return PublicOrigin(isSecure: true, authority: authority.span)?.text
    }
}
