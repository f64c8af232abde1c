// SPDX-License-Identifier: Apache-2.0

import Configuration
import Reactor
import Redis
import TLS

extension Doctor {
    /// Whether the sentinels can be reached and agree on the primary, whether a failover is possible, and what the primary
    /// itself says.
    func sentinels(_ sentinels: [ServerAddress], _ master: String, _ settings: RedisSettings) -> [DoctorFinding] {
        let subject = RedisSettings.sentinelSubject
        let accounts: [SentinelAccount]
        do throws(TLSError) {
            let tls = settings.isSecure ? try TLSClientContext(TLSClientConfiguration(settings.tls)) : nil
            accounts = SentinelAccount.all(RedisSentinelConfiguration(sentinels, master, settings, tls: tls))
        } catch {
            return [DoctorFinding(.failed, subject, "no secure connection: \(error)")]
        }
        var findings = accounts.compactMap { account -> DoctorFinding? in
            guard case .failure(let problem) = account.result else { return nil }
            return DoctorFinding(
                .failed, subject, "\(account.sentinel): \(problem)",
                fix: "start it, or correct `redis`; docs/replicas.md lists the rights that its user needs")
        }
        let answers = accounts.compactMap { account in
            if case .success(let facts) = account.result { (account.sentinel, facts) } else { nil }
        }
        guard let (first, facts) = answers.first else { return findings }
        let dissent = answers.filter { $0.1.primary != facts.primary }
        guard dissent.isEmpty else {
            let others = dissent.map { "\($0.0) names \($0.1.primary)" }.joined(separator: ", ")
            return findings + [
                DoctorFinding(
                    .failed, subject, "\(first) names \(facts.primary) as \(master), \(others)",
                    fix: "wait for the failover to end; else make all of them monitor the same server")
            ]
        }
        findings.append(
            DoctorFinding(
                .ok, subject,
                "\(answers.count) of \(accounts.count) name \(facts.primary) as \(master)" + facts.words))
        findings += Self.advice(facts, subject)
        return findings
            + server(facts.primary, settings, "redis.master", "\(facts.primary)", isLedBySentinels: true)
    }

    private static func advice(_ facts: SentinelFacts, _ subject: String) -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        if let total = facts.sentinels, total < 3 {
            findings.append(
                DoctorFinding(
                    .warning, subject, "\(total) in all: when one is lost, no majority is left for a failover",
                    fix: "run three or more, on machines of their own"))
        }
        if let quorum = facts.quorum, let total = facts.sentinels, quorum > total {
            findings.append(
                DoctorFinding(
                    .warning, subject, "the quorum of \(quorum) is more than the \(total) that there are",
                    fix: "lower the quorum, or start the other sentinels"))
        }
        if facts.replicas == 0 {
            findings.append(
                DoctorFinding(
                    .warning, subject, "the primary has no replica, so no failover is possible", fix: "add a replica"))
        }
        return findings
    }
}

extension RedisSettings {
    fileprivate static let sentinelSubject = "redis.sentinels"
}

/// What one sentinel says of the primary.
private struct SentinelFacts: Sendable {
    var primary: RedisConfiguration.Endpoint
    /// Nil when its user has no right to `SENTINEL MASTER`; so are the others.
    var quorum: Int?
    /// Itself included.
    var sentinels: Int?
    var replicas: Int?

    var words: String {
        let parts = [
            quorum.map { "quorum \($0)" }, sentinels.map { "\($0) sentinels known" },
            replicas.map { "\($0) \($0 == 1 ? "replica" : "replicas")" },
        ].compactMap { $0 }
        return parts.isEmpty ? "" : "; " + parts.joined(separator: ", ")
    }
}

/// One sentinel, and what it says.
private struct SentinelAccount: Sendable {
    let sentinel: RedisConfiguration.Endpoint
    let result: Result<SentinelFacts, DoctorProblem>

    /// Asks all at the same time; each has five seconds.
    static func all(_ configuration: RedisSentinelConfiguration) -> [SentinelAccount] {
        var configuration = configuration
        configuration.timeout = .seconds(5)
        let loop = EventLoop(label: "sidegate.doctor.sentinels")
        let replies = configuration.sentinels.map { [configuration] sentinel in
            let reply = Reply<Result<SentinelFacts, DoctorProblem>>()
            loop.submit { ask(sentinel, configuration, loop) { reply.give($0) } }
            return reply
        }
        return zip(configuration.sentinels, replies).map { SentinelAccount(sentinel: $0, result: $1.wait()) }
    }

    private static func ask(
        _ sentinel: RedisConfiguration.Endpoint, _ configuration: RedisSentinelConfiguration, _ loop: EventLoop,
        _ done: @escaping @Sendable (Result<SentinelFacts, DoctorProblem>) -> Void
    ) {
        let connection = RedisConnection(configuration.connection(to: sentinel), loop: loop, resolver: Resolver())
        let master = configuration.master
        func end(_ result: Result<SentinelFacts, DoctorProblem>) {
            connection.close()
            done(result)
        }
        connection.send(RESPCommand("SENTINEL", texts: "GET-MASTER-ADDR-BY-NAME", master), .sentinelPrimary) { result in
            switch result {
            case .failure(let failure): end(.failure(DoctorProblem(failure.description)))
            case .success(.unknownName): end(.failure(DoctorProblem("it knows no primary named \(master)")))
            case .success(.at(let primary)):
                connection.send(RESPCommand("SENTINEL", texts: "MASTER", master), .sentinelFields) { result in
                    var facts = SentinelFacts(primary: primary)
                    if case .success(let fields) = result {
                        facts.quorum = fields.number("quorum")
                        facts.sentinels = fields.number("num-other-sentinels").map { $0 + 1 }
                        facts.replicas = fields.number("num-slaves")
                    }
                    end(.success(facts))
                }
            }
        }
    }
}
