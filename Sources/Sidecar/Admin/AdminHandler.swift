// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT
import Logging
import Proxy
import Reactor
import Synchronization

/// Handles the requests of the admin server: finds the route, and asks the door where the route needs that.
final class AdminHandler: PlainResponder {
    /// Once the workers have started.
    private let routes = Mutex<[AdminRoute]?>(nil)
    private let configuration: ConfigurationIdentity
    private let door: Mutex<AdminDoor>
    private let slots = DoorSlots()
    private let reports: WrongTokenReports

    /// - Parameter configuration: that the process was started with.
    init(configuration: ConfigurationIdentity, door: AdminDoor, logger: Logger) {
        self.configuration = configuration
        self.door = Mutex(door)
        reports = WrongTokenReports(logger)
    }

    /// The workers serve from now on.
    func attach(_ routes: [AdminRoute]) {
        self.routes.withLock { $0 = routes }
    }

    /// Another configuration is in force.
    func replace(_ keys: AdminDoor.Keys) {
        door.withLock { $0.replace(keys) }
    }

    /// For routes that admit people themselves, such as a form with the token.
    func withDoor<Result: Sendable>(_ body: (inout AdminDoor) -> Result) -> Result {
        door.withLock { body(&$0) }
    }

    /// Exchanges a token, which somebody has typed in, for the cookie: the value of a Set-Cookie field.
    func signIn(_ token: String, _ request: AdminRequest) -> Result<String, AdminRefusal> {
        let result = withDoor { $0.signIn(token, request) }
        if case .failure(let refusal) = result, refusal.isAboutToken { reports.note(request, refusal) }
        return result
    }

    // MARK: Requests

    func prepare(for request: PlainRequest) -> PlainPreparation {
        let request = AdminRequest(request)
        switch find(request) {
        case nil, .failure, .success(.open): return PlainPreparation()
        case .success(.stream):
            return PlainPreparation(account: slots.take())
        case .success(.page(let route)):
            guard let slot = slots.take() else { return PlainPreparation() }
            return PlainPreparation(readsContent: route.method == .post, account: slot)
        case .success(.door(let route)):
            guard let slot = slots.take() else { return PlainPreparation() }
            // Content is read of those alone whom the door admits. It is asked again for the answer, which counts a wrong
            // token once.
            let isAdmitted = route.method == .post && door.withLock { $0 }.admits(request)
            return PlainPreparation(readsContent: isAdmitted, account: slot)
        }
    }

    func answer(
        _ request: PlainRequest, account: PlainAccount?, _ answered: @escaping @Sendable (PlainResponse) -> Void
    ) {
        let request = AdminRequest(request)
        let done: AdminAnswer = { answered(.complete($0)) }
        let route: AdminRoute
        switch find(request) {
        case nil: return done(AdminResponse.text(503, "starting"))
        case .failure(let problem): return done(problem.response)
        case .success(let found): route = found
        }
        asIdentified(route, request, done) { done in
            switch route {
            case .open(let route): return route.answer(request, done)
            case .door, .page, .stream: break
            }
            guard account != nil else { return done(Self.crowded) }
            let admission = admit(request)
            switch route {
            case .open: break
            case .page(let route): route.answer(request, admission, done)
            case .stream(let route):
                guard case .admitted = admission else {
                    if case .refused(let refusal) = admission { done(refusal.response) }
                    return
                }
                guard let slot = slots.takeStream() else { return done(Self.crowded) }
                let (head, source) = route.open(request, slot) { [self] in
                    // The clock goes on while the request stays.
                    door.withLock { $0 }.admits(request.now)
                }
                answered(.streamed(head, source))
            case .door(let route):
                switch admission {
                case .admitted(let visitor): route.answer(request, visitor, done)
                case .refused(let refusal): done(refusal.response)
                }
            }
        }
    }

    private func admit(_ request: AdminRequest) -> AdminAdmission {
        let admission = door.withLock { $0.admit(request) }
        if case .refused(let refusal) = admission, refusal.isAboutToken { reports.note(request, refusal) }
        return admission
    }

    private enum Missing: Error, CustomStringConvertible {
        case path
        case method(allowed: [AdminMethod])

        var description: String {
            switch self {
            case .path: "there is no such path"
            case .method(let allowed): "only " + allowed.map(\.name).joined(separator: ", ")
            }
        }

        var response: LocalResponse {
            switch self {
            case .path: return AdminResponse.text(404, "not found; see /")
            case .method(let allowed):
                var response = AdminResponse.text(405, description)
                response.add("Allow", allowed.map(\.name).joined(separator: ", "))
                return response
            }
        }
    }

    /// nil: there are no routes yet.
    private func find(_ request: AdminRequest) -> Result<AdminRoute, Missing>? {
        guard let routes = routes.withLock({ $0 }) else { return nil }
        let path = request.path
        let there = routes.filter { $0.path == path }
        guard !there.isEmpty else { return .failure(.path) }
        let method = AdminMethod(request.head.method)
        guard let route = there.first(where: { $0.method == method }) else {
            return .failure(.method(allowed: there.map(\.method)))
        }
        return .success(route)
    }

    /// Says in each answer whether this gate runs with the configuration that the question names (`sidegate healthcheck`). If
    /// it runs with another one, that is the answer.
    private func asIdentified(
        _ route: AdminRoute, _ request: AdminRequest, _ done: @escaping AdminAnswer,
        _ answer: (@escaping AdminAnswer) -> Void
    ) {
        guard route.isIdentified else { return answer(done) }
        let identity = configuration.answer(to: request.values(of: ConfigurationIdentity.fieldName).first)
        let identified: AdminAnswer = { response in
            var response = response
            response.add(ConfigurationIdentity.fieldName, identity.rawValue)
            done(response)
        }
        guard identity != .other else {
            return identified(AdminResponse.text(409, "this gate runs with another configuration"))
        }
        answer(identified)
    }

    private static var crowded: LocalResponse {
        var response = AdminResponse.json(
            503, [("error", "busy"), ("message", "too many requests to the console are in progress")])
        response.add("Retry-After", "1")
        return response
    }
}
