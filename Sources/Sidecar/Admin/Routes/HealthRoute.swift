// SPDX-License-Identifier: Apache-2.0

import Decisions
import Proxy

/// `/healthz`: every loop responds. When one does not, this does not either, until the time limit ends it with 503.
struct HealthRoute: OpenRoute {
    let server: Server<Worker>

    var path: String { "/healthz" }
    var isIdentified: Bool { true }

    func answer(_ request: AdminRequest, _ done: @escaping AdminAnswer) {
        server.onEachWorker({ _ in }) { done(AdminResponse.text(200, "ok")) }
    }
}

/// `/readyz`: requests can be served: the gate is not about to stop, and a request could be sent to the app. An OpenID
/// provider that could not be reached yet is only named: users who are signed in are served without it.
struct ReadinessRoute: OpenRoute {
    let server: Server<Worker>
    let upstream: UpstreamWatch
    let counters: ProcessCounters
    let facts: AdminFacts

    var path: String { "/readyz" }
    var isIdentified: Bool { true }

    func answer(_ request: AdminRequest, _ done: @escaping AdminAnswer) {
        guard !facts.current.isStopping else { return done(AdminResponse.text(503, "stopping")) }
        server.metrics { [upstream, counters] snapshot in
            upstream.verdict(snapshot) { verdict in
                switch verdict {
                case .up:
                    let unknown = counters.openID.figures.filter { !$0.isKnown }.map {
                        "\nnobody can sign in at \($0.provider) yet: its discovery document or its keys were not fetched"
                    }
                    done(AdminResponse.text(200, "ok" + unknown.joined()))
                case .down(let cause):
                    done(
                        AdminResponse.text(
                            503, "the app cannot be reached" + (cause.map { ": \($0.rawValue)" } ?? "")))
                }
            }
        }
    }
}
