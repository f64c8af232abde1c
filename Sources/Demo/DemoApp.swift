// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import JWT
import Pages

/// The demo's application: it has no sign-in of its own, and shows the requests it gets.
///
/// Any path shows the page; `/api/me` answers with JSON; `POST /upload` reports the content received.
package struct DemoApp: Sendable {
    private let publicURL: String
    private let providerURL: String
    private let pages: DemoPages

    /// - Parameters:
    ///   - publicURL: the gate's URL without a trailing slash, for the commands to copy.
    ///   - providerURL: the URL of the demo's identity provider, to try a login that starts there.
    package init(publicURL: String, providerURL: String) {
        self.publicURL = publicURL
        self.providerURL = providerURL
        pages = DemoPages(
            party: "Demo application", colours: Self.colours, templates: DemoAppTemplates.all,
            // Logout by a form ends at the provider.
            formOrigins: SafeURL(providerURL).map { [$0.text] } ?? [])
    }

    package func respond(to head: RequestHead, body: [UInt8], now: Double) -> LocalResponse {
        let request = DemoRequest(head, body: body)
        switch (request.path, request.method) {
        case ("/api/me", .get), ("/api/me", .head): return identity(request)
        case ("/favicon.ico", _): return LocalResponse(status: 404)
        case ("/upload", .post): return upload(request, body)
        case (_, .get), (_, .head): return show(request)
        default: return show(request, status: 405)
        }
    }

    private func show(_ request: DemoRequest, status: UInt16 = 200) -> LocalResponse {
        let user = request.values("X-Forwarded-User").first ?? ""
        let name = request.values("X-Forwarded-Preferred-Username").first ?? user
        let shownName = name.prefix(1).uppercased() + name.dropFirst()
        let headers = request.headers.map { header in
            ["name": TemplateValue.text(header.name), "value": .text(header.value)]
        }
        let isOurs = request.headers.map { Self.identityNames.contains($0.name.lowercased()) }
        let target = request.path + (request.query.isEmpty ? "" : "?" + request.query)
        let values: [String: TemplateValue] = [
            "title": .text(user.isEmpty ? "Welcome, guest" : "Hello, \(shownName)"), "isWide": .flag(true),
            "user": .text(user), "initial": .text(String(name.prefix(1)).uppercased()),
            "email": .text(request.values("X-Forwarded-Email").first ?? ""),
            "groups": .text(request.values("X-Forwarded-Groups").first ?? ""),
            "target": .text(target), "signInURL": .text("/.sidegate/login?return_to=" + percentEncoded(target)),
            "publicURL": .text(publicURL), "providerURL": .text(SafeURL(providerURL)?.text ?? ""),
            "identity": .list(zip(headers, isOurs).filter(\.1).map(\.0)),
            "others": .list(zip(headers, isOurs).filter { !$0.1 }.map(\.0)),
            "hasIdentity": .flag(isOurs.contains(true)),
        ]
        return pages.respond("app", values, status: status)
    }

    private func upload(_ request: DemoRequest, _ body: [UInt8]) -> LocalResponse {
        pages.respond(
            "upload",
            [
                "title": .text("It arrived"), "size": .text(String(body.count)),
                "type": .text(request.values("Content-Type").first ?? "none"),
                "digest": .text(String(decoding: Hex.encode(SHA256.hash(body.span)), as: UTF8.self)),
                "note": .text(request.field("note") ?? ""),
                "user": .text(request.values("X-Forwarded-User").first ?? "nobody"),
            ])
    }

    private func identity(_ request: DemoRequest) -> LocalResponse {
        var members: [(String, JSONValue)] = []
        for name in Self.identityNames {
            if let value = request.values(name).first { members.append((name, .string(value))) }
        }
        var response = LocalResponse(status: 200, body: JSONValue.object(JSONObject(members)).serialized() + [10])
        response.add("Content-Type", "application/json")
        response.add("Cache-Control", "no-store")
        return response
    }

    private static let identityNames = [
        "x-forwarded-user", "x-forwarded-email", "x-forwarded-preferred-username", "x-forwarded-groups",
        "x-forwarded-provider",
    ]

    private static let colours = """
        :root{--accent:#0b6b63;--accent-soft:#e0f3f1}
        @media (prefers-color-scheme:dark){:root{--accent:#6fd6cb;--on-accent:#062421;--accent-soft:#123532}}
        """
}
