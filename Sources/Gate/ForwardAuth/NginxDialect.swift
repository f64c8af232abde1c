// SPDX-License-Identifier: Apache-2.0

import HTTP

/// nginx `auth_request`: X-Original-URL (or -URI) and X-Original-Method, as its configuration sets them.
struct NginxDialect: ForwardAuthDialect {
    let grantStatus: UInt16 = 202
    let passesResponses = false

    func description(
        _ fields: OriginalRequestFields, _ query: borrowing AccessRequest
    ) throws(OriginalRequestProblem) -> OriginalRequestLine? {
        guard let url = fields.originalURL else { return nil }
        let line = try OriginalRequestLine(url, method: fields.originalMethod)
        // Another spelling must not differ: the browser may have sent it.
        if let other = fields.forwardedURI {
            guard try OriginalRequestLine(other, method: nil).target == line.target else { throw .contradictory }
        }
        if let other = fields.forwardedMethod, line.method != nil, other != line.method { throw .contradictory }
        return line
    }
}
