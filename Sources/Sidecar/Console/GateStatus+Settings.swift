// SPDX-License-Identifier: Apache-2.0

import Configuration
import Console
import Gate
import HTTP
import JWT
import Proxy
import Reactor

// What the process knows, as the console's values.

extension AdminSettings {
    /// Somebody can be admitted.
    var isConsoleOn: Bool {
        guard let listen else { return false }
        if case .unix = listen { return true }
        return token != nil
    }
}

extension Settings {
    /// What people call this gate.
    var displayName: String {
        publicURL?.words ?? listen.first?.description ?? ""
    }
}

extension TrafficSample {
    init(_ snapshot: MetricsSnapshot, _ now: Double) {
        var (requests, errors): (UInt64, UInt64) = (0, 0)
        snapshot.numbers.forEachRequest { _, _, status, count in
            requests &+= count
            if status >= 500 { errors &+= count }
        }
        var durations: [UInt64] = []
        for route in MetricRoute.allCases {
            for (index, count) in snapshot.numbers.durations(route).enumerated() {
                if index < durations.count { durations[index] &+= count } else { durations.append(count) }
            }
        }
        self.init(time: now, requests: requests, errors: errors, durations: durations)
    }
}

extension ProviderStatus {
    init(_ settings: ProviderSettings, _ reports: [SourceReport]) {
        let now = (monotonic: MonotonicTime.current(), wall: wallClockNow())
        let sources = reports.filter { $0.provider == settings.name }.map { report in
            SourceStatus(
                kind: report.kind == .discovery ? .discovery : .keys, url: report.url, fetchedAt: report.fetchedAt,
                keys: report.keys,
                failure: report.failure.map { SourceStatus.Failure(time: $0.time, cause: $0.cause) },
                nextFetch: report.due == .distantFuture
                    ? nil : now.wall + (report.due > now.monotonic ? report.due.since(now.monotonic).seconds : 0))
        }
        self.init(
            name: settings.label.isEmpty ? settings.metricName : settings.label,
            method: settings.identityProvider.openID == nil ? "redirect with a token" : "OpenID Connect",
            fixedKeys: settings.token.keys.keys.count, sources: sources)
    }
}

extension CertificateStatus {
    init(_ report: CertificateReport) {
        let use: Use =
            if report.section.hasPrefix("admin") { .operators } else if report.section == "tls" { .browsers } else {
                .servers
            }
        self.init(
            use: use, section: report.section, names: report.names, notAfter: Double(report.notAfter),
            problem: report.problem)
    }
}

extension StoreStatus {
    /// nil: there is none.
    ///
    /// - Parameter primary: the one that sentinels name; nil: none is known.
    init?(_ settings: Settings, _ connection: ProcessCounters.StoreConnection, primary: String?) {
        guard let redis = settings.redis, let isUp = connection.isUp else { return nil }
        self.init(
            address: primary.map { "\($0), \(redis.topology.words)" } ?? redis.topology.words, isConnected: isUp,
            since: connection.since,
            lastLost: connection.lastLost, holdsTokens: settings.replay.isShared,
            allowsWithoutStore: settings.replay.allowsWithoutStore, holdsSessions: settings.session.isShared)
    }
}

extension ConfigurationStatus {
    init(_ file: String?, _ report: ConfigurationLog.Report) {
        self.init()
        self.file = file
        inForceSince = report.inForceSince
        lastReload = report.reload.map { Reload(time: $0.time, changes: $0.changes, waiting: $0.waiting) }
        failed = report.failure.map { FailedReload(time: $0.time, messages: $0.messages) }
    }
}
