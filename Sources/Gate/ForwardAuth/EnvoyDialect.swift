// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Envoy `ext_authz`: the original path after the gate's own, and the method of the query itself.
struct EnvoyDialect: ForwardAuthDialect {
    // Envoy takes 200 alone for permission.
    let grantStatus: UInt16 = 200
    let passesResponses = true

    func description(
        _ fields: OriginalRequestFields, _ query: borrowing AccessRequest
    ) throws(OriginalRequestProblem) -> OriginalRequestLine? {
        // A proxy before it may have described the request by fields.
        if let line = try NginxDialect().description(fields, query) { return line }
        if let line = try TraefikDialect().description(fields, query) { return line }
        let head = query.head
        let path = head.bytes.span.extracting(head.path.range)
        var target = Array(copying: path.extracting(OriginalRequest.path.utf8CodeUnitCount...))
        if let text = head.query { target += [UInt8(ascii: "?")] + head.bytes[text.range] }
        // It begins with the slash that follows the gate's own path.
        return try OriginalRequestLine(target, method: Array(head.bytes[head.methodName.range]))
    }
}
