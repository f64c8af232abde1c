// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// `/probe?path=…`: the app's own status, only for paths that the configuration allows: this must not be a way around the
/// gate.
struct ProbeRoute: OpenRoute {
    let facts: AdminFacts
    let loop: EventLoop
    let resolver: Resolver

    var path: String { "/probe" }

    func answer(_ request: AdminRequest, _ done: @escaping AdminAnswer) {
        guard let path = try? request.query.value("path") else {
            return done(AdminResponse.text(400, "use /probe?path=/health"))
        }
        let facts = facts.current
        guard facts.probePaths.contains(path) else {
            return done(AdminResponse.text(403, "this path is not in admin.probePaths"))
        }
        loop.submit { [loop, resolver] in
            facts.probe.ask(path, loop: loop, resolver: resolver) { result in
                switch result {
                case .success(let status): done(AdminResponse.text(status, "the app answers \(status)"))
                case .failure(let failure): done(AdminResponse.text(502, "the app: \(failure.description)"))
                }
            }
        }
    }
}
