// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import Proxy
import StateJournal

/// `/metrics`
struct MetricsRoute: OpenRoute {
    let server: Server<Worker>
    let upstream: UpstreamWatch
    let counters: ProcessCounters
    let usedTokens: @Sendable () -> MemoryReplayStore.Figures
    let losses: @Sendable () -> MetricsPage.Losses
    let journal: @Sendable () -> JournalReport.Figures?
    let version: String
    let facts: AdminFacts

    var path: String { "/metrics" }

    func answer(_ request: AdminRequest, _ done: @escaping AdminAnswer) {
        let certificateEnd = facts.current.certificateEnd
        server.metrics { [upstream, counters, usedTokens, losses, journal, version] counted in
            var snapshot = counted
            // No worker sees those.
            snapshot.add(counters.figures.signOuts, of: .logout(.byOperator))
            let complete = snapshot
            upstream.verdict(snapshot) { verdict in
                let page = MetricsPage(
                    complete, process: .now(), counters: counters.figures, usedTokens: usedTokens(),
                    losses: losses(), journal: journal(), isUpstreamUp: verdict == .up, version: version,
                    certificateEnd: certificateEnd?())
                done(
                    AdminResponse.response(
                        200, Array(page.text.utf8), "text/plain; version=0.0.4; charset=utf-8"))
            }
        }
    }
}
