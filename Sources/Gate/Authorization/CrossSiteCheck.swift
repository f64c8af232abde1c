// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Requests that another site's page can make with a user's session where its cookie comes along from there
/// (`session.partitioned`, which needs `SameSite=None`).
///
/// What changes something, and a WebSocket, which no rule of browsers keeps from other sites, passes only if the browser
/// says that a page of this site has made it. A bearer token is no cookie: no browser adds it by itself.
struct CrossSiteCheck {
    func mayBeForged(_ request: borrowing AccessRequest, _ identity: Identity) -> Bool {
        guard !identity.isBearer, Self.hasEffect(request.head) else { return false }
        guard let origin = request.publicOrigin else { return true }
        return !SiteCheck.isDeclaredOwn(request.head, on: request.site.targetSite(origin))
    }

    /// By its method (RFC 9110 §9.2.1), or as an upgrade. A proxy's question (forward-auth) may not show the latter: then
    /// `Sec-WebSocket-Key` or `Sec-Fetch-Mode` does.
    private static func hasEffect(_ request: RequestHead) -> Bool {
        switch request.method {
        case .get, .head, .options, .trace: break
        case .post, .put, .delete, .connect, .patch, .other: return true
        }
        let bytes = request.bytes.span
        return request.fields.contains { field in
            switch field.known {
            case .upgrade: true
            case .secFetchMode: bytes.extracting(field.value.range).equalsIgnoringCase("websocket")
            case .other:
                bytes.extracting(field.name.range).equalsIgnoringCase("sec-websocket-key")
                    && !field.value.isEmpty
            default: false
            }
        }
    }
}
