// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import Proxy
import StateJournal
import Telemetry

/// The content of `/metrics`. No label holds a host, a path or a user: the number of series depends on the
/// configuration alone.
struct MetricsPage {
    private var snapshot: MetricsSnapshot
    private let process: ProcessFigures
    private let counters: ProcessCounters.Figures
    private let usedTokens: MemoryReplayStore.Figures
    private let losses: Losses
    /// nil: nothing is kept over a restart.
    private let journal: JournalReport.Figures?
    private let isUpstreamUp: Bool
    private let version: String
    /// Seconds since 1970, of the certificate that ends first; nil: there are none.
    private let certificateEnd: Double?

    /// What there was no room for, since the start.
    struct Losses: Sendable {
        /// Ends of sessions that the gates could not remember.
        var endedSessions: UInt64 = 0
        /// Bytes of the log that were not written, since its reader is too slow.
        var logBytes: UInt64 = 0
    }

    /// - Parameter snapshot: of the workers.
    init(
        _ snapshot: MetricsSnapshot, process: ProcessFigures, counters: ProcessCounters.Figures,
        usedTokens: MemoryReplayStore.Figures, losses: Losses, journal: JournalReport.Figures?, isUpstreamUp: Bool,
        version: String, certificateEnd: Double?
    ) {
        self.snapshot = snapshot
        self.snapshot.completeSeries()
        self.process = process
        self.counters = counters
        self.usedTokens = usedTokens
        self.losses = losses
        self.journal = journal
        self.isUpstreamUp = isUpstreamUp
        self.version = version
        self.certificateEnd = certificateEnd
    }

    var text: String {
        var text = MetricsText()
        requests(&text)
        connections(&text)
        upstream(&text)
        signIns(&text)
        singleUse(&text)
        configuration(&text)
        openID(&text)
        spans(&text)
        process(&text)
        return text.text
    }

    private func requests(_ text: inout MetricsText) {
        text.family(
            "sidegate_http_requests_total", .counter,
            "Completed requests by route, method and status (499: the client disconnected first).")
        snapshot.numbers.forEachRequest { route, method, status, count in
            text.sample([("route", route.label), ("method", method), ("code", String(status))], count)
        }
        text.family(
            "sidegate_http_request_duration_seconds", .histogram,
            "From a request's first byte to its response's last.")
        for route in MetricRoute.allCases {
            text.histogram(
                [("route", route.label)], bounds: MetricNumbers.boundsInSeconds,
                counts: snapshot.numbers.durations(route), sum: snapshot.numbers.durationSum(route))
        }
        text.family("sidegate_http_requests_in_flight", .gauge, "Requests that have not ended.")
        text.sample([], snapshot.inFlight)
    }

    private func connections(_ text: inout MetricsText) {
        text.family("sidegate_connections", .gauge, "Open connections of browsers.")
        for (name, count) in snapshot.connections.sorted(by: { $0.key < $1.key }) {
            text.sample([("protocol", name)], UInt64(count))
        }
    }

    private func upstream(_ text: inout MetricsText) {
        text.family(
            "sidegate_upstream_request_duration_seconds", .histogram,
            "From handing a request to the app to the head of its response.")
        text.histogram(
            [("route", MetricRoute.app.label)], bounds: MetricNumbers.boundsInSeconds,
            counts: snapshot.numbers.upstreamDurations(.app), sum: snapshot.numbers.upstreamDurationSum(.app))
        text.family("sidegate_upstream_errors_total", .counter, "Requests that failed between Sidegate and the app.")
        for cause in UpstreamCause.allCases {
            text.sample(
                [
                    ("upstream", MetricRoute.app.label), ("reason", UpstreamFailure(cause).rawValue),
                    ("cause", cause.rawValue),
                ], snapshot.events[.upstreamFailed(cause)] ?? 0)
        }
        text.family(
            "sidegate_upstream_tolerated_total", .counter,
            "Deviations from HTTP in responses of the app that were accepted and put right.")
        for toleration in Toleration.allCases {
            text.sample([("what", toleration.name.description)], snapshot.events[.tolerated(toleration)] ?? 0)
        }
        text.family("sidegate_upstream_connections", .gauge, "Connections to apps, tunnels not counted.")
        text.sample([], snapshot.upstreamConnections)
        text.family("sidegate_upstream_requests_waiting", .gauge, "Requests that wait for a connection to an app.")
        text.sample([], snapshot.waiting)
        text.family(
            "sidegate_slow_requests_ended_total", .counter,
            "Requests aborted because their client was too slow while others waited.")
        for side in ["request", "response"] { text.sample([("side", side)], snapshot.events[.endedSlow(side)] ?? 0) }
        text.family("sidegate_upstream_up", .gauge, "Whether the app could be reached at the last attempt.")
        text.sample([], isUpstreamUp ? 1 : UInt64(0))
    }

    private func signIns(_ text: inout MetricsText) {
        text.family("sidegate_logins_total", .counter, "Returns from the identity provider.")
        events(&text) { event in
            if case .login(let provider, let result) = event {
                [("provider", provider)] + Self.labels(result)
            } else {
                nil
            }
        }
        text.family("sidegate_denied_total", .counter, "Requests of users without access.")
        events(&text) { if case .denied(let reason) = $0 { [("reason", reason.rawValue)] } else { nil } }
        text.family(
            "sidegate_observed_total", .counter,
            "Requests that were forwarded, but would be denied if access.mode were enforce.")
        events(&text) { event in
            if case .observed(let would, let reason) = event {
                [("would", would.rawValue), ("reason", reason?.rawValue ?? "")]
            } else {
                nil
            }
        }
        text.family("sidegate_logouts_total", .counter, "Logouts: by users, by the provider, by operators.")
        events(&text) { if case .logout(let cause) = $0 { [("reason", cause.rawValue)] } else { nil } }
        text.family("sidegate_session_rejections_total", .counter, "Requests with a session that is no longer valid.")
        events(&text) { if case .sessionRejected(let reason) = $0 { [("reason", reason.rawValue)] } else { nil } }
        text.family("sidegate_auth_redirects_total", .counter, "Browsers that were sent to the identity provider.")
        text.sample([], snapshot.events[.redirect] ?? 0)
    }

    private func singleUse(_ text: inout MetricsText) {
        text.family("sidegate_replay_entries", .gauge, "Used tokens that this process remembers.")
        text.sample([], UInt64(clamping: usedTokens.entries))
        text.family("sidegate_replay_max_entries", .gauge, "How many it may remember (replay.maxEntries).")
        text.sample([], UInt64(clamping: usedTokens.capacity))
        text.family("sidegate_replay_full_total", .counter, "Tokens that it had no room to remember.")
        text.sample([], usedTokens.refused)
        text.family("sidegate_ended_sessions_full_total", .counter, "Ends of sessions that it had no room to remember.")
        text.sample([], losses.endedSessions)
        guard let journal else { return }
        text.family(
            "sidegate_state_journal_bytes", .gauge, "Length of the file of used tokens and ended sessions.")
        text.sample([], UInt64(clamping: journal.length))
        text.family(
            "sidegate_state_writes_total", .counter, "Attempts to write used tokens and ended sessions to the disk.")
        text.sample([("result", Self.result(true))], journal.writes)
        text.sample([("result", Self.result(false))], journal.failures)
    }

    private func configuration(_ text: inout MetricsText) {
        text.family("sidegate_config_reloads_total", .counter, "Configurations that were loaded while running.")
        text.sample([("result", Self.result(true))], counters.reloads)
        text.sample([("result", Self.result(false))], counters.failedReloads)
        text.family(
            "sidegate_config_last_reload_successful", .gauge, "Whether the newest configuration is the one in force.")
        text.sample([], counters.lastReloadIsGood ? 1 : UInt64(0))
        text.family("sidegate_key_refresh_total", .counter, "Fetches of the identity provider's key sets.")
        text.sample([("result", Self.result(true))], counters.keyRefreshes)
        text.sample([("result", Self.result(false))], counters.failedKeyRefreshes)
        if let isUp = counters.isRedisUp {
            text.family("sidegate_redis_up", .gauge, "Whether there is a connection to Redis.")
            text.sample([], isUp ? 1 : UInt64(0))
            text.family(
                "sidegate_redis_unexpected_replies_total", .counter,
                "Connections to Redis that ended because of a malformed or unexpected reply.")
            text.sample([], counters.unexpectedRedisReplies)
            text.family(
                "sidegate_redis_redirections_total", .counter,
                "Commands that a server of a Redis Cluster sent to another server.")
            text.sample([], counters.redisRedirections)
        }
        if let failovers = counters.redisFailovers {
            text.family(
                "sidegate_redis_failovers_total", .counter,
                "Changes to another primary that Redis Sentinel named.")
            text.sample([], failovers)
        }
        if let certificateEnd {
            text.family(
                "sidegate_tls_certificate_not_after_timestamp_seconds", .gauge,
                "When the certificate that ends first does.")
            text.sample([], certificateEnd)
        }
        text.family("sidegate_build_info", .gauge, "The version that runs.")
        text.sample([("version", version)], UInt64(1))
    }

    private func openID(_ text: inout MetricsText) {
        guard !counters.openID.isEmpty else { return }
        text.family(
            "sidegate_openid_requests_total", .counter,
            "Requests to OpenID providers by endpoint (discovery, keys, token, userinfo).")
        for provider in counters.openID {
            for endpoint in ProviderEndpoint.allCases {
                let labels: MetricsText.Labels = [
                    ("provider", provider.provider), ("endpoint", endpoint.rawValue),
                ]
                text.sample(labels + [("result", Self.result(true))], provider.good[endpoint] ?? 0)
                text.sample(labels + [("result", Self.result(false))], provider.bad[endpoint] ?? 0)
            }
        }
        text.family(
            "sidegate_openid_provider_known", .gauge,
            "Whether an OpenID provider's discovery document and keys were fetched: before that nobody can sign in.")
        for provider in counters.openID {
            text.sample([("provider", provider.provider)], provider.isKnown ? 1 : UInt64(0))
        }
        text.family(
            "sidegate_openid_discovery_timestamp_seconds", .gauge,
            "When an OpenID provider's discovery document was last fetched, in seconds since 1970.")
        for provider in counters.openID { text.sample([("provider", provider.provider)], provider.discoveredAt) }
    }

    private func spans(_ text: inout MetricsText) {
        guard let spans = counters.spans else { return }
        text.family("sidegate_otlp_spans_total", .counter, "Spans that were to be exported by OTLP.")
        for result in SpanCounters.Result.allCases { text.sample([("result", result.rawValue)], spans[result] ?? 0) }
    }

    private func process(_ text: inout MetricsText) {
        text.family("sidegate_log_dropped_bytes_total", .counter, "Log lines that were dropped, in bytes.")
        text.sample([], losses.logBytes)
        text.family("process_cpu_seconds_total", .counter, "User and system time of the process.")
        text.sample([], process.cpuSeconds)
        text.family("process_resident_memory_bytes", .gauge, "Memory that is resident.")
        text.sample([], process.residentBytes)
        text.family("process_virtual_memory_bytes", .gauge, "Address space.")
        text.sample([], process.virtualBytes)
        text.family("process_start_time_seconds", .gauge, "When the process began, in seconds since 1970.")
        text.sample([], process.startedAt)
        text.family("process_open_fds", .gauge, "Open file descriptors.")
        text.sample([], process.openDescriptors)
        text.family("process_max_fds", .gauge, "The most file descriptors that may be open.")
        text.sample([], process.maximumDescriptors)
    }

    /// The events that have these labels, in an order that does not change.
    private func events(_ text: inout MetricsText, _ labels: (MetricEvent) -> MetricsText.Labels?) {
        let found = snapshot.events.compactMap { event, count in labels(event).map { (labels: $0, count: count) } }
        let sorted = found.sorted { left, right in
            left.labels.map(\.value).joined(separator: "\u{0}") < right.labels.map(\.value).joined(separator: "\u{0}")
        }
        for (labels, count) in sorted { text.sample(labels, count) }
    }

    private static func labels(_ login: LoginResult) -> MetricsText.Labels {
        switch login {
        case .success: [("result", result(true)), ("reason", "")]
        case .refused(let reason): [("result", result(false)), ("reason", reason.rawValue)]
        case .loop: [("result", result(false)), ("reason", "login_loop")]
        }
    }

    private static func result(_ isSuccess: Bool) -> String { isSuccess ? "success" : "failure" }
}
