// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT

/// `GET /api/sessions`: who is signed in, a page at a time.
struct SessionsRoute: DoorRoute {
    let directory: SessionDirectory

    var method: AdminMethod { .get }
    var path: String { "/api/sessions" }

    func answer(_ request: AdminRequest, _ visitor: AdminVisitor, _ done: @escaping AdminAnswer) {
        let page: Page
        do throws(AdminParameterProblem) {
            page = try Page(request.query)
        } catch {
            return done(Self.badRequest(error))
        }
        let scope = directory.hasReplicas ? "replicas" : "process"
        let answer: @Sendable (SessionList) -> Void = { list in done(Self.response(page, list, scope)) }
        // The next pages are of the same list.
        if page.after == nil { directory.list(answer) } else { directory.listAgain(answer) }
    }

    static func badRequest(_ problem: AdminParameterProblem) -> LocalResponse {
        AdminResponse.json(
            400, [("error", "bad_request"), ("message", .string(problem.description))])
    }

    /// What is asked for.
    struct Page: Sendable {
        let user: String?
        let provider: String?
        let after: SessionName?
        let limit: Int

        init(_ query: AdminParameters) throws(AdminParameterProblem) {
            user = try query.value("user")
            provider = try query.value("provider")
            let after = try query.value("after")
            self.after = after.flatMap { SessionName($0) }
            if after != nil, self.after == nil { throw AdminParameterProblem(name: "after") }
            let limit = try query.value("limit")
            guard let number = limit.map({ Int($0) }) ?? Self.maximum, 1...Self.maximum ~= number else {
                throw AdminParameterProblem(name: "limit")
            }
            self.limit = number
        }

        func contains(_ entry: SeenSessions.Entry) -> Bool {
            (user.map { $0 == entry.user } ?? true) && (provider.map { $0 == entry.provider } ?? true)
                && (after.map { $0 < entry.name } ?? true)
        }

        static let maximum = 1000
    }

    static func response(_ page: Page, _ list: SessionList, _ scope: String) -> LocalResponse {
        var found: [SeenSessions.Entry] = []
        var hasMore = false
        var size = 0
        for entry in list.entries where page.contains(entry) {
            size += 300 + entry.user.utf8.count
            guard found.count < page.limit, size < Self.maximumBytes || found.isEmpty else {
                hasMore = true
                break
            }
            found.append(entry)
        }
        var members: [(String, JSONValue)] = [
            ("sessions", .array(found.map { Self.json($0) })), ("scope", .string(scope)),
            ("complete", .bool(list.isComplete)),
        ]
        if hasMore, let last = found.last { members.append(("next", .string(last.name.description))) }
        return AdminResponse.json(200, members)
    }

    /// Of a page, about: users' names may be long.
    private static let maximumBytes = 512 << 10

    static func json(_ entry: SeenSessions.Entry) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("id", .string(entry.name.description)), ("user", .string(entry.user)),
        ]
        if !entry.provider.isEmpty { members.append(("provider", .string(entry.provider))) }
        members += [
            ("since", .string(moment(entry.since))), ("lastSeen", .string(moment(entry.lastSeen))),
            ("client", .string(entry.client)), ("browser", .string(entry.browser)),
        ]
        return .object(JSONObject(members))
    }
}
