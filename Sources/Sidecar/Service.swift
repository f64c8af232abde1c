// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Gate
import Glibc
import Logging
import Proxy
import Reactor
import TLS
import Telemetry

/// A running gate: `sidegate run`, from checked settings to the process's end.
package final class Service: Sendable {
    private let server: Server
    private let logger: Logger
    private let log: LogWriter
    private let drainTimeout: Nanoseconds
    private let stop: StopSignals
    private let services: ProcessServices
    /// Keep the certificates of both sides up to date.
    private let watches: [CertificateWatch]

    package var addresses: [SocketAddress] { server.addresses }

    /// Opens what the settings name and starts to serve.
    ///
    /// - Parameter gate: the settings' gate, as ``GateAssembly`` makes it.
    package init(_ settings: Settings, gate configuration: GateConfiguration, log: LogWriter) throws(ServiceError) {
        // Before anything listens: whoever can reach the service can also stop it.
        stop = StopSignals()
        let format = LogFormat(rawValue: settings.log.format.rawValue) ?? .json
        let logger = Service.logger(settings, format: format, log: log)
        let workers = settings.workers ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let offersHTTP2 = settings.limits.http2.isEnabled
        var proxy: ProxyConfiguration
        do throws(TLSError) {
            let tls = try settings.tls.map { tls throws(TLSError) in
                try TLSServerContext(TLSServerConfiguration(tls, offersHTTP2: offersHTTP2))
            }
            proxy = try ProxyConfiguration(
                settings, identityHeaders: configuration.identityHeaders.map(\.name), workers: workers, tls: tls)
        } catch {
            throw ServiceError("TLS cannot be set up: \(error)")
        }
        proxy.upstream.notSecured = { failure in
            logger.warning("no secure connection to the app", metadata: ["cause": "\(failure)"])
        }
        var watches: [CertificateWatch] = []
        if let tls = settings.tls, let context = proxy.tls {
            watches.append(
                CertificateWatch(tls, "tls", logger: logger) {
                    try context.replace(with: TLSServerConfiguration($0, offersHTTP2: offersHTTP2))
                })
        }
        if let context = proxy.upstream.tls {
            let offersHTTP2 = settings.upstream.offersHTTP2
            watches.append(
                CertificateWatch(settings.upstream.tls, "upstream.tls", logger: logger) {
                    try context.replace(with: TLSClientConfiguration($0, offersHTTP2: offersHTTP2))
                })
        }
        self.watches = watches
        let resolver = Resolver()
        let replayStore = MemoryReplayStore()
        let services = try ProcessServices(settings, resolver: resolver, logger: logger)
        let inherited = InheritedSockets.ofThisProcess()
        var sources: [ListenSource] = []
        for address in settings.listen { sources += try address.sources(inherited) }
        do throws(Server.OpenError) {
            server = try Server(
                name: "sidegate.worker", listen: sources, workers: workers,
                paused: { error in
                    logger.warning("not accepting connections for now", metadata: ["cause": "\(error)"])
                },
                makeWorker: { [proxy] loop in
                    Worker(
                        loop: loop, gate: Gate(configuration), configuration: proxy, resolver: resolver,
                        replayStore: replayStore,
                        log: RequestLog(format: format, logsRequests: proxy.logsRequests, sink: log),
                        services: services.worker)
                })
        } catch {
            throw ServiceError(error.description)
        }
        services.start(server)
        self.services = services
        self.logger = logger
        self.log = log
        drainTimeout = .seconds(settings.limits.drainTimeout.inSeconds)
        for address in server.addresses {
            logger.info("listening", metadata: ["address": "\(address)", "upstream": "\(settings.upstream.address)"])
        }
    }

    /// Serves until SIGTERM or SIGINT, then drains and ends the process with status 0.
    package func runUntilStopped() -> Never {
        stop.onStop { [self] in
            logger.info("stopping")
            Deadline.exit(after: drainTimeout) { [self] in
                logger.warning("requests were still in flight after limits.drainTimeout")
                log.flush()
            }
            server.drain { [self] in
                logger.info("stopped")
                log.flush()
                Deadline.exitNow()
            }
        }
        runMainThread()
    }

    private static func logger(_ settings: Settings, format: LogFormat, log: LogWriter) -> Logger {
        let level = Logger.Level(rawValue: settings.log.level) ?? .info
        return Logger(label: "sidegate") { label in
            SidegateLogHandler(label: label, level: level, format: format, sink: log)
        }
    }
}
