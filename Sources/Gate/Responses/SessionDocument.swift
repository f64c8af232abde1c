// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// `/.sidegate/session`: who is signed in, and until when. It does not count as activity.
struct SessionDocument {
    private let sessions: Sessions
    private let authorization: Authorizer
    private let responses: Responses
    private let limits: SessionLimits

    init(_ sessions: Sessions, _ authorization: Authorizer, _ responses: Responses, _ limits: SessionLimits) {
        self.sessions = sessions
        self.authorization = authorization
        self.responses = responses
        self.limits = limits
    }

    func response(to request: borrowing AccessRequest) -> LocalResponse {
        guard request.head.method == .get || request.head.method == .head else {
            return responses.methodNotAllowed(request, allow: "GET, HEAD")
        }
        let verdict = sessions.session(of: request)
        if case .storeUnavailable = verdict { return responses.sessionUnknown(request) }
        guard case .valid(let identity) = verdict, let session = identity.session else {
            return responses.unauthenticatedJSON(request, nil)
        }
        switch authorization.verdict(on: identity) {
        case .allowed: break
        case .visitor: return responses.unauthenticatedJSON(request, nil)
        case .refused(let reason):
            return responses.forbidden(reason, identity.fields, request, asJSON: true, returnTo: .root)
        }
        var members: [(String, JSONValue)] = [
            ("user", .string(session.fields.user)),
            ("fields", .object(session.fields.document)),
            ("signed_in_at", Self.number(session.signedInAt)),
            ("expires_at", Self.number(session.signedInAt + limits.lifetime)),
        ]
        if !session.provider.isEmpty { members.append(("provider", .string(session.provider))) }
        if limits.idleTimeout > 0 {
            members.append(("idle_expires_at", Self.number(session.seenAt + limits.idleTimeout)))
        }
        var response = responses.json(200, JSONObject(members))
        response.outcome = .session
        response.user = identity.user
        if !identity.provider.isEmpty { response.provider = identity.provider }
        return response
    }

    private static func number(_ seconds: Double) -> JSONValue {
        .number(JSONNumber(Int(max(0, min(seconds.rounded(.down), 9e15)))))
    }
}
