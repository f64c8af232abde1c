// SPDX-License-Identifier: Apache-2.0

/// What the console knows when a page is asked for.
package struct ConsoleFacts: Sendable {
    package var status: GateStatus
    package var signIns: SignInHistory
    package var traffic: TrafficHistory
    package var sample: TrafficSample
    /// Upper bounds of the buckets of durations, in seconds.
    package var bounds: [Double]
    package var trail: TrailRing
    /// Where a page continues in the feed.
    package var feedPosition: String

    package init(
        status: GateStatus, signIns: SignInHistory, traffic: TrafficHistory, sample: TrafficSample, bounds: [Double],
        trail: TrailRing, feedPosition: String
    ) {
        self.status = status
        self.signIns = signIns
        self.traffic = traffic
        self.sample = sample
        self.bounds = bounds
        self.trail = trail
        self.feedPosition = feedPosition
    }

    package var headline: Headline {
        Headline(status, recent: signIns.totals(minutes: SignInTotals.recentMinutes, now: status.now))
    }

    func page(_ title: String, _ path: String, _ visitor: ConsoleVisitor, query: String = "", _ content: HTML) -> HTML {
        ConsolePage(
            title: title, path: path, visitor: visitor, gate: status.name, version: status.version, now: status.now,
            after: feedPosition, query: query, content: content
        ).html
    }
}
