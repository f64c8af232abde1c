// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import Reactor
import Redis
import TLS

extension Doctor {
    /// Whether Redis can be reached and allows the commands that a gate sends, and whether it evicts data.
    func redis(_ settings: RedisSettings) -> [DoctorFinding] {
        switch settings.topology {
        case .single(let location): server(.init(location), settings, "redis.url", location.words)
        case .cluster(let seeds): redisCluster(seeds, settings)
        case .sentinel(let sentinels, let master, _): self.sentinels(sentinels, master, settings)
        }
    }

    /// - Parameter isLedBySentinels: the server must say itself that it is the primary.
    func server(
        _ endpoint: RedisConfiguration.Endpoint, _ settings: RedisSettings, _ name: String, _ place: String,
        isLedBySentinels: Bool = false
    ) -> [DoctorFinding] {
        switch RedisExamination(endpoint, settings, asksRole: isLedBySentinels).result {
        case .failure(let problem):
            return [
                DoctorFinding(
                    .failed, name, "\(place): \(problem)",
                    fix: "start it, or correct `redis`; docs/replicas.md lists the rights that its user needs")
            ]
        case .success(let facts):
            var findings = [
                DoctorFinding(
                    .ok, name,
                    "\(place) answers in \(facts.milliseconds) ms" + (facts.version.map { ", version \($0)" } ?? ""))
            ]
            // A used token that was evicted could sign in again.
            if let policy = facts.policy, policy != "noeviction" {
                findings.append(
                    DoctorFinding(
                        .warning, "redis maxmemory-policy",
                        "\(policy): when memory is short, used tokens and logouts are evicted",
                        fix: "set maxmemory-policy noeviction, or give Sidegate a server of its own"))
            }
            if facts.isReplica {
                findings.append(
                    DoctorFinding(
                        .failed, "redis role", "\(place) is a replica, which takes no writes",
                        fix: isLedBySentinels ? "wait for the failover to end" : "name the primary"))
            }
            if isLedBySentinels, facts.version != nil, !facts.requiresReplicas {
                findings.append(
                    DoctorFinding(
                        .warning, "redis min-replicas-to-write",
                        "0: a primary that is cut off from its replicas goes on accepting tokens, which the next primary"
                            + " accepts again",
                        fix: "set min-replicas-to-write 1 and min-replicas-max-lag 10 on each server"))
            }
            return findings
        }
    }
}

/// What the server reports.
private struct RedisFacts: Sendable {
    var milliseconds: UInt64 = 0
    /// Nil when the user has no right to INFO.
    var version: String?
    var policy: String?
    var isReplica = false
    /// It takes writes only while replicas are connected.
    var requiresReplicas = false
}

/// Sends each kind of command that a gate sends, over one connection, and removes what it wrote.
private struct RedisExamination {
    let result: Result<RedisFacts, DoctorProblem>

    init(_ endpoint: RedisConfiguration.Endpoint, _ settings: RedisSettings, asksRole: Bool) {
        let configuration: RedisConfiguration
        do throws(TLSError) {
            var own = RedisConfiguration(
                endpoint, settings,
                tls: settings.isSecure ? try TLSClientContext(TLSClientConfiguration(settings.tls)) : nil)
            own.timeout = .seconds(5)
            own.connectTimeout = .seconds(5)
            configuration = own
        } catch {
            result = .failure(DoctorProblem("no secure connection: \(error)"))
            return
        }
        let loop = EventLoop(label: "sidegate.doctor.redis")
        let reply = Reply<Result<RedisFacts, DoctorProblem>>()
        let prefix = settings.prefix
        loop.submit {
            let patient = RedisPatient(configuration, loop: loop, prefix: prefix, asksRole: asksRole) { reply.give($0) }
            patient.begin()
        }
        result = reply.wait()
    }
}

/// Sends one command after another; lives until the last reply.
private final class RedisPatient {
    private let connection: RedisConnection
    private let loop: EventLoop
    private let key: [UInt8]
    private let channel: [UInt8]
    private let asksRole: Bool
    private let done: (Result<RedisFacts, DoctorProblem>) -> Void
    private var facts = RedisFacts()

    init(
        _ configuration: RedisConfiguration, loop: EventLoop, prefix: String, asksRole: Bool,
        _ done: @escaping (Result<RedisFacts, DoctorProblem>) -> Void
    ) {
        connection = RedisConnection(configuration, loop: loop, resolver: Resolver())
        self.loop = loop
        self.asksRole = asksRole
        key = Array((prefix + "doctor").utf8)
        channel = Array((prefix + "revocations").utf8)
        self.done = done
    }

    func begin() {
        guard asksRole else { return write() }
        ask(RESPCommand("ROLE"), .role) { [self] role in
            guard case .primary? = role else {
                facts.isReplica = true
                return end(.success(facts))
            }
            write()
        }
    }

    private func write() {
        ask(RESPCommand("PING"), .pong, isNeeded: false) { [self] _ in
            let began = loop.now
            let text = "return redis.call('SET', KEYS[1], '1', 'PX', 1000)"
            ask(RESPCommand("EVAL", Array(text.utf8), Array("1".utf8), key), .ok) { [self] _ in
                facts.milliseconds = loop.now.since(began).count / 1_000_000
                ask(RESPCommand("DEL", key), .count) { [self] _ in
                    // An empty message is ignored by every replica.
                    ask(RESPCommand("PUBLISH", channel, []), .count) { [self] _ in inform() }
                }
            }
        }
    }

    private func inform() {
        ask(RESPCommand("INFO"), .requiredText(atMost: 1 << 20), isNeeded: false) { [self] reply in
            for line in String(decoding: reply ?? [], as: UTF8.self).split(whereSeparator: \.isNewline) {
                let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { continue }
                switch parts[0] {
                case "redis_version": facts.version = facts.version ?? parts[1]
                case "valkey_version": facts.version = "Valkey \(parts[1])"
                case "maxmemory_policy": facts.policy = parts[1]
                // Only there if the option is set.
                case "min_slaves_good_slaves": facts.requiresReplicas = true
                case "role": facts.isReplica = parts[1] == "slave"
                default: break
                }
            }
            end(.success(facts))
        }
    }

    /// - Parameter isNeeded: the gate needs the command; otherwise a refusal continues with nil.
    private func ask<Value>(
        _ command: RESPCommand, _ shape: RedisReply<Value>, isNeeded: Bool = true, then: @escaping (Value?) -> Void
    ) {
        connection.send(command, shape) { [self] result in
            switch result {
            case .success(let reply): then(reply)
            case .failure(.refused) where !isNeeded: then(nil)
            case .failure(let failure): end(.failure(DoctorProblem(failure.description)))
            }
        }
    }

    private func end(_ result: Result<RedisFacts, DoctorProblem>) {
        connection.close()
        done(result)
    }
}
