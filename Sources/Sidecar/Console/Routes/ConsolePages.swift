// SPDX-License-Identifier: Apache-2.0

import Console
import HTTP

/// What the routes of the console share.
struct ConsolePages: Sendable {
    let service: ConsoleService
    let sessions: any ConsoleSessions
    let forms = ConsoleForms()

    /// A page of the console.
    static func page(_ html: HTML, status: UInt16 = 200) -> LocalResponse {
        AdminResponse.response(status, html.bytes, "text/html; charset=utf-8", policy: ConsolePolicy.text)
    }

    /// For those whom the door does not admit: the form for the token, or why there is none.
    static func refused(_ refusal: AdminRefusal, status: UInt16? = nil) -> LocalResponse {
        let page: DoorPage =
            switch refusal {
            case .off, .anotherUser: .off
            case .unidentified: .signIn(problem: "")
            case .wrongToken, .limited: .signIn(problem: refusal.words.firstUppercased + ".")
            case .hostUnknown, .crossSite:
                .refused(title: "This request is not accepted", message: refusal.words.firstUppercased + ".")
            }
        var response = Self.page(page.html, status: status ?? refusal.status)
        if case .limited(let seconds) = refusal { response.add("Retry-After", String(seconds)) }
        return response
    }

    /// To another page of the console, by GET.
    static func redirect(_ path: String) -> LocalResponse {
        var response = AdminResponse.text(303, "see \(path)")
        response.add("Location", path)
        return response
    }

    /// A parameter of the query; empty: none. Of several, or of one that cannot be read, it is none too.
    static func parameter(_ name: String, _ request: AdminRequest) -> String {
        let value = (try? request.query.value(name)) ?? ""
        return String(value.prefix(256))
    }

    /// What was just done, once, after the redirect: the words are ours, the query only says which.
    static func said(_ request: AdminRequest) -> String {
        SessionEndResult(rawValue: parameter("done", request))?.words ?? ""
    }
}

extension AdminRequest {
    /// A browser asks, or somebody who wants a page.
    var wantsPage: Bool { values(of: "accept").contains { $0.lowercased().contains("text/html") } }
}

extension String {
    fileprivate var firstUppercased: String { prefix(1).uppercased() + dropFirst() }
}
