// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT

/// `POST /api/sign-out`: a form with `user` (and `provider`), `session`, or `all=true`.
struct SignOutRoute: DoorRoute {
    let signOuts: SignOuts

    var method: AdminMethod { .post }
    var path: String { "/api/sign-out" }

    func answer(_ request: AdminRequest, _ visitor: AdminVisitor, _ done: @escaping AdminAnswer) {
        let order: SignOuts.Order
        do throws(AdminParameterProblem) {
            guard let form = request.form else {
                return done(
                    AdminResponse.json(
                        415, [("error", "bad_request"), ("message", "the content must be a form (urlencoded)")]))
            }
            order = try Self.order(form)
        } catch {
            return done(SessionsRoute.badRequest(error))
        }
        let asker = SignOuts.Asker(
            by: visitor.by(UserNames.name), client: visitor.client, host: request.authority)
        signOuts.signOut(order, asker) { [signOuts] result in done(Self.response(result, signOuts)) }
    }

    /// Exactly one of them.
    static func order(_ form: AdminParameters) throws(AdminParameterProblem) -> SignOuts.Order {
        let (user, session, all) = (try form.value("user"), try form.value("session"), try form.value("all"))
        let provider = try form.value("provider")
        switch (user, session, all) {
        case (let user?, nil, nil) where !user.isEmpty: return .user(user, provider: provider)
        case (nil, let session?, nil) where provider == nil:
            guard let name = SessionName(session) else { throw AdminParameterProblem(name: "session") }
            return .session(name)
        case (nil, nil, "true") where provider == nil: return .everyone
        default: throw AdminParameterProblem(name: provider == nil ? "user, session or all" : "provider")
        }
    }

    static func response(
        _ result: Result<SignOuts.Result, SignOuts.Problem>, _ signOuts: SignOuts
    ) -> LocalResponse {
        switch result {
        case .success(let result):
            AdminResponse.json(
                200,
                [
                    ("ended", .number(JSONNumber(result.count))),
                    ("scope", signOuts.reachesReplicas ? "replicas" : "process"),
                    ("outlastsRestart", .bool(signOuts.outlastRestarts)), ("confirmed", .bool(result.isConfirmed)),
                ])
        case .failure(let problem):
            AdminResponse.json(
                404,
                [
                    ("error", problem == .noSuchSession ? "no_such_session" : "no_such_provider"),
                    ("message", .string(problem.description)),
                ])
        }
    }
}
