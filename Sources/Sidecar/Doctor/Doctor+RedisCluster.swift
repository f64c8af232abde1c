// SPDX-License-Identifier: Apache-2.0

import Configuration
import Reactor
import Redis
import TLS

extension Doctor {
    /// Whether the cluster can be reached and is complete, and whether each master allows the commands that a gate sends.
    func redisCluster(_ seeds: [ServerAddress], _ settings: RedisSettings) -> [DoctorFinding] {
        let subject = settings.topology.optionPath
        let report: RedisClusterReport
        do throws(DoctorProblem) {
            report = try RedisClusterReport(seeds, settings)
        } catch {
            return [
                DoctorFinding(
                    .failed, subject, "\(settings.topology.words): \(error)",
                    fix: "start it, or correct `redis`; docs/replicas.md lists the rights that its user needs")
            ]
        }
        var findings: [DoctorFinding] = []
        if report.problems.isEmpty {
            let masters = "\(report.masters.count) \(report.masters.count == 1 ? "master" : "masters")"
            findings.append(
                DoctorFinding(
                    .ok, subject,
                    "\(settings.topology.words) answers in \(report.milliseconds) ms, \(masters)"
                        + (report.version.map { ", version \($0)" } ?? "")))
        }
        findings += report.problems.map { DoctorFinding(.failed, subject, $0.detail, fix: $0.fix) }
        if let policy = report.evictingPolicy {
            // A used token that was evicted could sign in again.
            findings.append(
                DoctorFinding(
                    .warning, "redis maxmemory-policy",
                    "\(policy): when memory is short, used tokens and logouts are evicted",
                    fix: "set maxmemory-policy noeviction on each server, or give Sidegate a cluster of its own"))
        }
        return findings
    }
}

/// What the servers of a cluster report.
private struct RedisClusterReport: Sendable {
    struct Problem: Sendable {
        var detail: String
        var fix: String
    }

    var masters: [RedisNode] = []
    var milliseconds: UInt64 = 0
    var version: String?
    /// With the address of the first server that has it.
    var evictingPolicy: String?
    var problems: [Problem] = []

    fileprivate init() {}

    init(_ seeds: [ServerAddress], _ settings: RedisSettings) throws(DoctorProblem) {
        guard let first = seeds.first else { throw DoctorProblem("no server is named") }
        let configuration: RedisConfiguration
        do throws(TLSError) {
            var own = RedisConfiguration(
                .init(first), settings,
                tls: settings.isSecure ? try TLSClientContext(TLSClientConfiguration(settings.tls)) : nil)
            own.timeout = .seconds(5)
            own.connectTimeout = .seconds(5)
            configuration = own
        } catch {
            throw DoctorProblem("no secure connection: \(error)")
        }
        let loop = EventLoop(label: "sidegate.doctor.redis")
        let reply = Reply<Result<RedisClusterReport, DoctorProblem>>()
        let (nodes, prefix) = (seeds.map { RedisNode(host: $0.host, port: $0.port) }, settings.prefix)
        loop.submit {
            RedisClusterExamination(configuration, nodes, loop: loop, prefix: prefix) { reply.give($0) }.begin()
        }
        switch reply.wait() {
        case .success(let report): self = report
        case .failure(let problem): throw problem
        }
    }
}

/// Sends each kind of command that a gate sends, and removes what it wrote; then asks each master. Lives until the last
/// reply.
private final class RedisClusterExamination {
    private let cluster: RedisCluster
    private let loop: EventLoop
    private let key: [UInt8]
    private let channel: [UInt8]
    private let done: (Result<RedisClusterReport, DoctorProblem>) -> Void
    private var report = RedisClusterReport()
    private var missing = 0

    init(
        _ configuration: RedisConfiguration, _ seeds: [RedisNode], loop: EventLoop, prefix: String,
        _ done: @escaping (Result<RedisClusterReport, DoctorProblem>) -> Void
    ) {
        cluster = RedisCluster(configuration, seeds: seeds, loop: loop, resolver: Resolver())
        self.loop = loop
        key = Array((prefix + "doctor").utf8)
        channel = Array((prefix + "revocations").utf8)
        self.done = done
    }

    func begin() {
        // An empty message is ignored by every replica.
        cluster.send(RESPCommand("PUBLISH", channel, []), .count) { [self] result in
            guard let uncovered = cluster.uncoveredSlots else {
                var cause = DoctorProblem("no server answers")
                if case .failure(let failure) = result { cause = DoctorProblem(failure.description) }
                return end(.failure(cause))
            }
            if case .failure(let failure) = result { problem("PUBLISH: \(failure)", Self.rights) }
            report.masters = cluster.masters
            if uncovered > 0 {
                let slots = uncovered == 1 ? "1 slot has" : "\(uncovered) slots have"
                problem("\(slots) no server", "redis-cli --cluster fix HOST:PORT")
            }
            write()
        }
    }

    private func write() {
        let began = loop.now
        let script = Array("return redis.call('SET', KEYS[1], '1', 'PX', 1000)".utf8)
        cluster.send(RESPCommand("EVAL", script, Array("1".utf8), key), .ok) { [self] result in
            report.milliseconds = loop.now.since(began).count / 1_000_000
            if case .failure(let failure) = result { problem("EVAL: \(failure)", Self.rights) }
            cluster.send(RESPCommand("DEL", key), .count) { [self] result in
                if case .failure(let failure) = result { problem("DEL: \(failure)", Self.rights) }
                missing = report.masters.count
                guard missing > 0 else { return end(.success(report)) }
                for master in report.masters { examine(master) }
            }
        }
    }

    private func examine(_ master: RedisNode) {
        cluster.send(RESPCommand("PING"), to: master, .pong) { [self] result in
            switch result {
            case .success, .failure(.refused): state(of: master)
            case .failure(let failure):
                problem("\(master): \(failure)", "start it, and let a gate reach each server of the cluster")
                examined()
            }
        }
    }

    /// A user without the right to these commands cannot be examined further.
    private func state(of master: RedisNode) {
        let command = RESPCommand("CLUSTER", texts: "INFO")
        cluster.send(command, to: master, .requiredText(atMost: 1 << 16)) { [self] result in
            let state = lines(result)["cluster_state"]
            if let state, state != "ok" {
                problem(
                    "\(master): cluster_state is \(state.prefix(20))",
                    "redis-cli --cluster check HOST:PORT names the cause")
            }
            cluster.send(RESPCommand("INFO"), to: master, .requiredText(atMost: 1 << 20)) { [self] result in
                let facts = lines(result)
                let version = facts["valkey_version"].map { "Valkey \($0)" } ?? facts["redis_version"]
                report.version = report.version ?? version
                if let policy = facts["maxmemory_policy"], policy != "noeviction", report.evictingPolicy == nil {
                    report.evictingPolicy = "\(policy) at \(master)"
                }
                asking(master)
            }
        }
    }

    private func asking(_ master: RedisNode) {
        cluster.send(RESPCommand("ASKING"), to: master, .ok) { [self] result in
            if case .failure(let failure) = result { problem("\(master): ASKING: \(failure)", Self.rights) }
            examined()
        }
    }

    private func lines(_ reply: Result<[UInt8], RedisFailure>) -> [String: String] {
        guard case .success(let text) = reply else { return [:] }
        var found: [String: String] = [:]
        for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            if parts.count == 2 { found[parts[0]] = parts[1] }
        }
        return found
    }

    private func problem(_ detail: String, _ fix: String) {
        guard report.problems.count < Self.maximumProblems else { return }
        report.problems.append(RedisClusterReport.Problem(detail: detail, fix: fix))
    }

    private func examined() {
        missing -= 1
        if missing == 0 { end(.success(report)) }
    }

    private func end(_ result: Result<RedisClusterReport, DoctorProblem>) {
        cluster.close()
        done(result)
    }

    private static let rights = "docs/replicas.md lists the rights that the user of `redis` needs"
    private static let maximumProblems = 20
}
