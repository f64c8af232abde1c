// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

/// Responses of the admin listener. All of them forbid browsers to store, to frame and to guess types.
enum AdminResponse {
    static func text(_ status: UInt16, _ text: String) -> LocalResponse {
        // RFC 9110 §15.3.5, §15.4.5: these have no content.
        let isBare = status == 204 || status == 304
        return response(status, isBare ? [] : Array((text + "\n").utf8), "text/plain; charset=utf-8")
    }

    static func json(_ status: UInt16, _ members: [(String, JSONValue)]) -> LocalResponse {
        response(status, JSONValue.object(JSONObject(members)).serialized() + [10], "application/json")
    }

    /// - Parameter policy: Content-Security-Policy; `frame-ancestors 'none'` is added.
    static func response(
        _ status: UInt16, _ body: [UInt8], _ type: String,
        policy: String = "default-src 'none'; base-uri 'none'; form-action 'none'"
    ) -> LocalResponse {
        var response = LocalResponse(status: status, body: body)
        response.add("Content-Type", type)
        response.add("Cache-Control", "no-store")
        response.add("X-Content-Type-Options", "nosniff")
        response.add("Content-Security-Policy", policy + "; frame-ancestors 'none'")
        response.add("X-Frame-Options", "DENY")
        // Not no-referrer, with which browsers send `Origin: null` with a form.
        response.add("Referrer-Policy", "same-origin")
        response.add("Cross-Origin-Resource-Policy", "same-origin")
        return response
    }
}
