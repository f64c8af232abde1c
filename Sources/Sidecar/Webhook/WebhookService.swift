// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import Logging
import Proxy
import Reactor
import Synchronization
import TLS
import Telemetry
import Webhook

/// `sidegate webhook`: the mutating admission webhook, from its options to the end of the process.
package final class WebhookService: Sendable {
    private let server: Server<PlainServer>
    private let certificates: CertificateWatch
    private let stop: StopSignals
    private let logger: Logger
    private let log: LogWriter
    private let drainDelay: Nanoseconds
    private let state = Mutex(State.serving)

    private enum State {
        case serving, stopping, ended
    }

    /// Opens the address and starts to serve.
    ///
    /// - Parameters:
    ///   - certificate: re-read when its files change.
    ///   - drainDelay: between SIGTERM and the end of accepting.
    ///   - version: of the program, for the log.
    package init(
        listen: ListenAddress, certificate: TLSSettings, reviewer: PodReviewer, drainDelay: Duration, log: LogWriter,
        version: String
    ) throws(ServiceError) {
        // Before anything listens: a service that can be reached can also be stopped.
        stop = StopSignals()
        let logger = Service.logger(LogThreshold(.info), isatty(1) == 1 ? .text : .json, log)
        self.logger = logger
        self.log = log
        self.drainDelay = .seconds(drainDelay.inSeconds)
        // The API server speaks HTTP/1.1 to webhooks, so that its connections reach all replicas.
        guard let tls = try Service.tls(certificate, offersHTTP2: false) else {
            throw ServiceError("the webhook needs a certificate")
        }
        let failures = AcceptFailures { error, attempts in
            logger.warning(
                "not accepting connections for now", metadata: ["cause": "\(error)", "attempts": "\(attempts)"])
        }
        let handler = WebhookHandler(reviewer, logger: logger)
        let limits = Self.limits
        let sources = try listen.sources(InheritedSockets.ofThisProcess())
        do throws(OpenError) {
            server = try Server(
                name: "sidegate.webhook", listen: sources, workers: 1, paused: failures.note,
                makeWorker: { loop in PlainServer(loop: loop, limits: limits, tls: tls, responder: handler) })
        } catch {
            throw ServiceError(error.description)
        }
        certificates = CertificateWatch(certificate, "webhook", logger: logger) {
            try tls.replace(with: TLSServerConfiguration($0, offersHTTP2: false))
        }
        for address in server.addresses {
            logger.info("listening", metadata: ["address": "\(address)", "version": "\(version)"])
        }
    }

    /// Serves until SIGTERM or SIGINT, then drains and ends the process with status 0.
    package func runUntilStopped() -> Never {
        ServiceNotifier.ofThisProcess().ready()
        stop.onStop { [self] in beginToStop() }
        runMainThread()
    }

    private func beginToStop() {
        guard move(from: .serving, to: .stopping) else { return }
        logger.info("stopping")
        guard drainDelay > .seconds(0) else { return drain() }
        WorkQueue(label: "sidegate.stop").submit(after: drainDelay) { [self] in drain() }
    }

    private func drain() {
        WorkQueue(label: "sidegate.drain").submit(after: Self.drainTimeout) { [self] in
            guard move(from: .stopping, to: .ended) else { return }
            logger.warning("requests were still in flight at the end")
            end()
        }
        server.drain { [self] in
            guard move(from: .stopping, to: .ended) else { return }
            logger.info("stopped")
            end()
        }
    }

    private func move(from: State, to next: State) -> Bool {
        state.withLock { state in
            guard state == from else { return false }
            state = next
            return true
        }
    }

    private func end() -> Never {
        log.flush()
        Deadline.exitNow()
    }

    /// An API server opens a connection for each review that it has in progress.
    private static var limits: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.connections = 1024
        // Idle connections and incomplete requests make room for others.
        limits.evictsIncomplete = true
        limits.bodyIdleTimeout = .seconds(10)
        limits.http2.isEnabled = false
        return limits
    }

    /// Longer than a request may take.
    private static let drainTimeout = Nanoseconds.seconds(25)
}
