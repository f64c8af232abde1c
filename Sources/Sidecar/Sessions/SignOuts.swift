// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Decisions
import Gate
import Proxy
import Reactor
import Synchronization
import Telemetry

/// Ends sessions because an operator says so, on every replica, and writes that to the audit trail.
final class SignOuts: Sendable {
    /// Whose sessions.
    enum Order: Sendable, Equatable {
        case session(SessionName)
        case user(String, provider: String?)
        case everyone
    }

    struct Result: Sendable, Equatable {
        /// Sessions that were listed, and have ended. Others, which were not seen lately, have ended too.
        var count: Int
        /// It is known to be in force, here and where it has to be remembered for other replicas.
        var isConfirmed: Bool
    }

    enum Problem: Error, Equatable, CustomStringConvertible {
        case noSuchSession
        case noSuchProvider

        var description: String {
            switch self {
            case .noSuchSession: "no session of this ID is listed; it may have ended"
            case .noSuchProvider: "the configuration has no provider of this name"
            }
        }
    }

    /// Who asked, and how.
    struct Asker: Sendable {
        var by: String
        var client: String
        var host: String
    }

    private struct Configuration {
        var lifetime: Double
        var providers: [String]
    }

    private let directory: SessionDirectory
    private let revocations: any RevocationBroadcaster
    private let counters: ProcessCounters
    private let audit: AuditTrail
    private let loop: EventLoop
    private let configuration: Mutex<Configuration>
    private let hasJournal: Bool

    init(
        _ settings: Settings, _ directory: SessionDirectory, _ revocations: any RevocationBroadcaster,
        counters: ProcessCounters, audit: AuditTrail, loop: EventLoop
    ) {
        self.directory = directory
        self.revocations = revocations
        self.counters = counters
        self.audit = audit
        self.loop = loop
        configuration = Mutex(Self.configuration(settings))
        hasJournal = settings.state != nil
    }

    var reachesReplicas: Bool { directory.hasReplicas }

    /// They are kept in `state.directory`.
    var outlastRestarts: Bool { hasJournal }

    func replace(with settings: Settings) {
        configuration.withLock { $0 = Self.configuration(settings) }
    }

    private static func configuration(_ settings: Settings) -> Configuration {
        Configuration(lifetime: settings.session.lifetime.inSeconds, providers: settings.providers.map(\.name))
    }

    /// `done` is called once, on any thread: when the sessions have ended, and one that begins from now on is a later one.
    func signOut(
        _ order: Order, _ asker: Asker, _ done: @escaping @Sendable (Swift.Result<Result, Problem>) -> Void
    ) {
        let configuration = configuration.withLock { $0 }
        if case .user(_, let provider?) = order, !configuration.providers.contains(provider) {
            return done(.failure(.noSuchProvider))
        }
        directory.own { [self] own in
            switch order {
            case .session:
                if let session = own.first(where: order.concerns) { return end(session, order, asker, done) }
                // Another replica may have seen it.
                directory.list { [self] list in
                    guard let session = list.entries.first(where: order.concerns) else {
                        return done(.failure(.noSuchSession))
                    }
                    end(session, order, asker, done)
                }
            case .user(let name, let provider):
                end(.user(name, provider: provider), own.filter(order.concerns), order, asker, done)
            case .everyone: end(.everyone, own, order, asker, done)
            }
        }
    }

    private func end(
        _ session: SeenSessions.Entry, _ order: Order, _ asker: Asker,
        _ done: @escaping @Sendable (Swift.Result<Result, Problem>) -> Void
    ) {
        end(.session(id: session.id, since: session.since, user: session.user), [session], order, asker, done)
    }

    /// - Parameter own: those of them that this process has seen.
    private func end(
        _ target: SignOutTarget, _ own: [SeenSessions.Entry], _ order: Order, _ asker: Asker,
        _ done: @escaping @Sendable (Swift.Result<Result, Problem>) -> Void
    ) {
        // Of now: a sign-in that goes on meanwhile ends too.
        let now = wallClockNow()
        let lifetime = configuration.withLock { $0.lifetime }
        revocations.revoke(target.revocation(at: now, lifetime: lifetime)) { [self] isConfirmed in
            counters.signedOut()
            audit.write(event(order, own.first, asker, at: now))
            // Only now: reading what other replicas have seen may take its time.
            directory.list { [self] list in
                let ended = Set((own + list.entries.filter { order.concerns($0) && $0.since <= now }).map(\.name))
                directory.forget(Array(ended))
                afterClocks { done(.success(Result(count: ended.count, isConfirmed: isConfirmed))) }
            }
        }
    }

    /// A loop's clock may be as old as its last batch of events: a session that begins after this is dated later than the
    /// sign-out, on every loop.
    private func afterClocks(_ body: @escaping @Sendable () -> Void) {
        loop.submit { [loop] in
            loop.makeTimer(body).set(loop.now.advanced(by: .milliseconds(Self.clockMargin)))
        }
    }

    private func event(
        _ order: Order, _ session: SeenSessions.Entry?, _ asker: Asker, at now: Double
    ) -> AuditEvent {
        var event = AuditEvent(
            .logout, time: now, id: Hex.encodeToString(Random.bytes(16)), client: asker.client, host: asker.host,
            cause: .byOperator, by: asker.by)
        switch order {
        case .session(let name):
            event.user = session?.user
            event.provider = session?.provider
            event.detail = "session \(name)"
        case .user(let name, let provider):
            event.user = name
            event.provider = provider
            event.detail = "all sessions of the user"
        case .everyone: event.detail = "all sessions"
        }
        return event
    }

    /// Longer than a loop lingers over a batch.
    private static let clockMargin: UInt64 = 20
}

extension SignOuts.Order {
    fileprivate func concerns(_ entry: SeenSessions.Entry) -> Bool {
        switch self {
        case .session(let name): entry.name == name
        case .user(let name, let provider): entry.user == name && (provider.map { $0 == entry.provider } ?? true)
        case .everyone: true
        }
    }
}

/// Writes events that happen outside of requests to the audit trail.
struct AuditTrail: Sendable {
    private let format: LogFormat
    private let log: LogWriter
    private let listener: any AuditListener

    init(_ format: LogFormat, _ log: LogWriter, _ listener: any AuditListener) {
        self.format = format
        self.log = log
        self.listener = listener
    }

    func write(_ event: AuditEvent) {
        var line: [UInt8] = []
        event.append(to: &line, format: format)
        log.write(line)
        listener.add(event)
    }
}
