// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate
import HTTP
import Logging
import Outbound
import Proxy
import Reactor
import SharedState
import TLS

/// Notifies the app of users before their first request, by HTTP (`provisioning`): a signed JSON object of their fields.
///
/// The app is notified of a user once by this process, once by all replicas that share their state, or at each sign-in
/// with `eachLogin`. After a restart it may be notified again, and must tolerate that (`Idempotency-Key`).
package final class HTTPProvisioner: Provisioner {
    private let loop: EventLoop
    private let queue: LoopBound<ProvisioningQueue>

    /// - Parameters:
    ///   - secret: signs each body; nil: calls are not signed.
    ///   - shared: the users that other replicas notified the app of, also on `loop`; nil: not shared.
    ///   - loop: where calls are made; not a worker's.
    ///   - tls: for https; nil: such a URL fails.
    package init(
        _ url: OutboundURL, secret: [UInt8]?, eachLogin: Bool, shared: NotifiedUsers? = nil, loop: EventLoop,
        resolver: Resolver, tls: TLSClientContext?, logger: Logger
    ) {
        self.loop = loop
        queue = loop.bind(
            ProvisioningQueue(
                url, key: secret.map { HMACKey($0.span, .sha256) }, eachLogin: eachLogin,
                shared: shared, loop: loop,
                client: OutboundClient(loop: loop, resolver: resolver, tls: tls), logger: logger))
    }

    package func provision(_ call: ProvisioningCall, _ done: @escaping @Sendable (ProvisioningOutcome) -> Void) {
        loop.submit { [queue] in queue.assumeOnLoop { $0.provision(call, done) } }
    }
}

/// The users that are known, and the calls in progress, on the services' loop.
private final class ProvisioningQueue {
    private typealias Done = @Sendable (ProvisioningOutcome) -> Void

    /// The notification of one user.
    private final class Flight {
        let call: ProvisioningCall
        var waiting: [Done]
        var policy: ProvisioningPolicy
        var timer: LoopTimer?
        /// Later sign-ins of the same user with other fields: the app is notified of the last of them next.
        var next: (call: ProvisioningCall, waiting: [Done])?

        init(_ call: ProvisioningCall, _ waiting: [Done], _ now: MonotonicTime) {
            self.call = call
            self.waiting = waiting
            policy = ProvisioningPolicy(now)
        }
    }

    private let url: OutboundURL
    private let key: HMACKey?
    private let eachLogin: Bool
    private let shared: NotifiedUsers?
    private let loop: EventLoop
    private let client: OutboundClient
    private let logger: Logger
    private var users = ProvisionedUsers()
    private var flights: [ProvisionedUsers.Key: Flight] = [:]
    private var waitingCount = 0
    /// Attempts that wait, and the number of those in progress.
    private var queue: [Flight] = []
    private var running = 0

    init(
        _ url: OutboundURL, key: HMACKey?, eachLogin: Bool, shared: NotifiedUsers?, loop: EventLoop,
        client: OutboundClient, logger: Logger
    ) {
        self.url = url
        self.key = key
        self.eachLogin = eachLogin
        self.shared = shared
        self.loop = loop
        self.client = client
        self.logger = logger
    }

    func provision(_ call: ProvisioningCall, _ done: @escaping @Sendable (ProvisioningOutcome) -> Void) {
        let user = ProvisionedUsers.Key(call.userKey)
        if !eachLogin, users.contains(user) { return done(.known) }
        guard waitingCount < Self.maximumWaiting else {
            logger.warning("too many sign-ins wait for provisioning", metadata: ["id": "\(call.requestID)"])
            return done(.failed)
        }
        waitingCount += 1
        guard let flight = flights[user] else { return begin(Flight(call, [done], loop.now), user) }
        if !eachLogin || flight.call.idempotencyKey == call.idempotencyKey {
            flight.waiting.append(done)
        } else {
            flight.next = (call, (flight.next?.waiting ?? []) + [done])
        }
    }

    private func begin(_ flight: Flight, _ user: ProvisionedUsers.Key) {
        flights[user] = flight
        flight.timer = loop.makeTimer { [weak self, weak flight] in
            guard let flight else { return }
            self?.enqueue(flight)
        }
        guard !eachLogin, let shared else { return enqueue(flight) }
        shared.contains(flight.call.userKey, of: url.authority + url.target) { [self] isKnown in
            guard isKnown else { return enqueue(flight) }
            users.insert(user)
            finish(flight, .known)
        }
    }

    // MARK: Attempts

    private func enqueue(_ flight: Flight) {
        queue.append(flight)
        startWaiting()
    }

    private func startWaiting() {
        while running < Self.maximumRunning, !queue.isEmpty { attempt(queue.removeFirst()) }
    }

    private func attempt(_ flight: Flight) {
        running += 1
        let call = flight.call
        var request = OutboundRequest(method: "POST", url: url, body: call.body)
        request.timeout = flight.policy.begin(loop.now)
        request.maximumBytes = Self.maximumBytes
        // It is the app that answers.
        request.leniency = .standard
        request.fields = [
            ("Content-Type", "application/json"), ("Accept", "application/json"),
            ("Idempotency-Key", call.idempotencyKey), ("X-Request-ID", call.requestID),
        ]
        if let key {
            let code = Hex.encodeToString(key.authenticationCode(for: call.body.span))
            request.fields.append(("X-Sidegate-Signature", "sha256=\(code)"))
        }
        client.send(request) { [self] result in answered(flight, result) }
    }

    private func answered(_ flight: Flight, _ result: Result<OutboundResponse, OutboundFailure>) {
        running -= 1
        let answer: ProvisioningPolicy.Answer
        let cause: String
        switch result {
        case .success(let response): (answer, cause) = (.status(response.status), "status \(response.status)")
        case .failure(let failure): (answer, cause) = (.none, failure.description)
        }
        switch flight.policy.step(after: answer, loop.now) {
        case .agreed:
            if !eachLogin {
                users.insert(ProvisionedUsers.Key(flight.call.userKey))
                shared?.insert(flight.call.userKey, of: url.authority + url.target)
            }
            finish(flight, .notified)
        case .noSeat:
            finish(flight, .noSeat)
        case .failed:
            report("provisioning of a user failed", flight, cause)
            finish(flight, .failed)
        case .again(let pause):
            report("provisioning of a user will be retried", flight, cause)
            flight.timer?.set(loop.now.advanced(by: pause))
        }
        startWaiting()
    }

    private func finish(_ flight: Flight, _ outcome: ProvisioningOutcome) {
        let user = ProvisionedUsers.Key(flight.call.userKey)
        flights[user] = nil
        waitingCount -= flight.waiting.count
        for (index, done) in flight.waiting.enumerated() {
            // One call is one event: it also served the others.
            done(outcome == .notified && index > 0 ? .known : outcome)
        }
        guard let (call, waiting) = flight.next else { return }
        begin(Flight(call, waiting, loop.now), user)
    }

    private func report(_ message: Logger.Message, _ flight: Flight, _ cause: String) {
        logger.warning(
            message,
            metadata: [
                "url": "\(url)", "id": "\(flight.call.requestID)", "cause": "\(cause)",
                "attempt": "\(flight.policy.attempts)",
            ])
    }

    /// Concurrent calls to the app.
    private static let maximumRunning = 32
    /// Sign-ins that wait, of all users together.
    private static let maximumWaiting = 4096
    /// Of an answer of which only the status is used.
    private static let maximumBytes = 1 << 20
}
