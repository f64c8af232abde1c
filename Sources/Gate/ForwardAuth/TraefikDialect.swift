// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Traefik `forwardAuth` and Caddy `forward_auth`: X-Forwarded-Uri and X-Forwarded-Method.
struct TraefikDialect: ForwardAuthDialect {
    let grantStatus: UInt16 = 202
    let passesResponses = false

    func description(
        _ fields: OriginalRequestFields, _ query: borrowing AccessRequest
    ) throws(OriginalRequestProblem) -> OriginalRequestLine? {
        guard let uri = fields.forwardedURI else { return nil }
        let line = try OriginalRequestLine(uri, method: fields.forwardedMethod)
        if let other = fields.originalMethod, line.method != nil, other != line.method { throw .contradictory }
        return line
    }
}
