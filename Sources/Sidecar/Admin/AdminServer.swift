// SPDX-License-Identifier: Apache-2.0

import Configuration
import Decisions
import Gate
import HTTP
import Proxy
import Reactor
import Synchronization

/// Health and metrics (`admin.listen`).
///
/// The server has a loop of its own and queries the others on request, so it costs them nothing in between, and a loop
/// that hangs is noticed.
final class AdminServer: Sendable {
    /// The values that a reload may change.
    struct Facts: Sendable {
        var probePaths: [String]
        var probe: AppProbe
        /// The gate is about to stop, and should receive no new requests.
        var isStopping = false
        var certificateEnd: (@Sendable () -> Double?)?
    }

    private let handler: AdminHandler
    private let server: Server<PlainServer>

    var addresses: [SocketAddress] { server.addresses }

    init(listen: [ListenSource], handler: AdminHandler) throws(OpenError) {
        self.handler = handler
        var limits = ConnectionLimits()
        limits.connections = 64
        limits.keepAliveTimeout = .seconds(30)
        let bounds = limits
        server = try Server(
            name: "sidegate.admin", listen: listen, workers: 1, paused: { _ in },
            makeWorker: { loop in
                PlainServer(loop: loop, limits: bounds) { request, done in handler.answer(request, done) }
            })
    }

    /// Removes the unix sockets that it created.
    func removeSocketFiles() { server.removeSocketFiles() }
}

/// Handles the requests of the admin server.
final class AdminHandler: Sendable {
    /// The workers, once they have started.
    private let server = Mutex<Server<Worker>?>(nil)
    private let upstream: UpstreamWatch
    private let counters: ProcessCounters
    private let usedTokens: @Sendable () -> MemoryReplayStore.Figures
    private let version: String
    private let configuration: ConfigurationIdentity
    private let loop: EventLoop
    private let resolver: Resolver
    private let facts: Mutex<AdminServer.Facts>

    /// - Parameters:
    ///   - configuration: that the process was started with.
    ///   - loop: where calls are made; not a worker's.
    init(
        upstream: UpstreamWatch, counters: ProcessCounters,
        usedTokens: @escaping @Sendable () -> MemoryReplayStore.Figures, version: String,
        configuration: ConfigurationIdentity, facts: AdminServer.Facts, loop: EventLoop, resolver: Resolver
    ) {
        self.upstream = upstream
        self.counters = counters
        self.usedTokens = usedTokens
        self.version = version
        self.configuration = configuration
        self.loop = loop
        self.resolver = resolver
        self.facts = Mutex(facts)
    }

    /// The workers serve from now on.
    func attach(_ server: Server<Worker>) {
        self.server.withLock { $0 = server }
    }

    func change(_ body: (inout AdminServer.Facts) -> Void) {
        facts.withLock { body(&$0) }
    }

    func answer(_ request: RequestHead, _ done: @escaping @Sendable (LocalResponse) -> Void) {
        guard request.method == .get || request.method == .head else {
            var response = Self.text(405, "only GET and HEAD")
            response.add("Allow", "GET, HEAD")
            return done(response)
        }
        guard let server = server.withLock({ $0 }) else { return done(Self.text(503, "starting")) }
        switch String(decoding: request.bytes[request.path.range], as: UTF8.self) {
        case "/healthz": asIdentified(request, done) { healthz(server, $0) }
        case "/readyz": asIdentified(request, done) { readyz(server, $0) }
        case "/metrics": metrics(server, done)
        case "/probe": probe(request, done)
        case "/": done(Self.text(200, "/healthz\n/readyz\n/metrics\n/probe?path="))
        default: done(Self.text(404, "not found; see /"))
        }
    }

    /// Says in each answer whether this gate runs with the configuration that the question names (`sidegate healthcheck`). If
    /// it runs with another one, that is the answer.
    private func asIdentified(
        _ request: RequestHead, _ done: @escaping @Sendable (LocalResponse) -> Void,
        _ answer: (@escaping @Sendable (LocalResponse) -> Void) -> Void
    ) {
        func text(_ range: ByteRange) -> String { String(decoding: request.bytes[range.range], as: UTF8.self) }
        let field = request.fields.first {
            text($0.name).lowercased() == ConfigurationIdentity.fieldName.description.lowercased()
        }
        let identity = configuration.answer(to: field.map { text($0.value) })
        let identified: @Sendable (LocalResponse) -> Void = { response in
            var response = response
            response.add(ConfigurationIdentity.fieldName, identity.rawValue)
            done(response)
        }
        guard identity != .other else {
            return identified(Self.text(409, "this gate runs with another configuration"))
        }
        answer(identified)
    }

    /// Every loop responds. When one does not, this does not either, until the time limit ends it with 503.
    private func healthz(_ server: Server<Worker>, _ done: @escaping @Sendable (LocalResponse) -> Void) {
        server.onEachWorker({ _ in }) { done(Self.text(200, "ok")) }
    }

    /// Requests can be served: the gate is not about to stop, and a request could be sent to the app. An OpenID provider that
    /// could not be reached yet is only named: users who are signed in are served without it.
    private func readyz(_ server: Server<Worker>, _ done: @escaping @Sendable (LocalResponse) -> Void) {
        let isStopping = facts.withLock { $0.isStopping }
        guard !isStopping else { return done(Self.text(503, "stopping")) }
        server.metrics { [upstream, counters] snapshot in
            upstream.verdict(snapshot) { verdict in
                switch verdict {
                case .up:
                    let unknown = counters.openID.figures.filter { !$0.isKnown }.map {
                        "\nnobody can sign in at \($0.provider) yet: its discovery document or its keys were not fetched"
                    }
                    done(Self.text(200, "ok" + unknown.joined()))
                case .down(let cause):
                    done(Self.text(503, "the app cannot be reached" + (cause.map { ": \($0.rawValue)" } ?? "")))
                }
            }
        }
    }

    private func metrics(_ server: Server<Worker>, _ done: @escaping @Sendable (LocalResponse) -> Void) {
        let certificateEnd = facts.withLock { $0.certificateEnd }
        server.metrics { [upstream, counters, usedTokens, version] snapshot in
            upstream.verdict(snapshot) { verdict in
                let page = MetricsPage(
                    snapshot, process: .now(), counters: counters.figures, usedTokens: usedTokens(),
                    isUpstreamUp: verdict == .up, version: version, certificateEnd: certificateEnd?())
                var response = LocalResponse(status: 200, body: Array(page.text.utf8))
                response.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                response.add("Cache-Control", "no-store")
                done(response)
            }
        }
    }

    /// The app's own status, only for paths that the configuration allows: this must not be a way around the gate.
    private func probe(_ request: RequestHead, _ done: @escaping @Sendable (LocalResponse) -> Void) {
        var paths: [[UInt8]] = []
        request.forEachQueryParameter { name, value in
            guard String(decoding: request.bytes[name.range], as: UTF8.self) == "path" else { return }
            var path: [UInt8] = []
            let value = request.bytes.span.extracting(value.range)
            if PercentEncoding.decode(value, plusIsSpace: true, into: &path) { paths.append(path) }
        }
        let facts = facts.withLock { $0 }
        guard paths.count == 1, let path = paths.first.map({ String(decoding: $0, as: UTF8.self) }) else {
            return done(Self.text(400, "use /probe?path=/health"))
        }
        guard facts.probePaths.contains(path) else {
            return done(Self.text(403, "this path is not in admin.probePaths"))
        }
        loop.submit { [loop, resolver] in
            facts.probe.ask(path, loop: loop, resolver: resolver) { result in
                switch result {
                case .success(let status): done(Self.text(status, "the app answers \(status)"))
                case .failure(let failure): done(Self.text(502, "the app: \(failure.description)"))
                }
            }
        }
    }

    private static func text(_ status: UInt16, _ text: String) -> LocalResponse {
        // RFC 9110 §15.3.5, §15.4.5: these have no content.
        let isBare = status == 204 || status == 304
        var response = LocalResponse(status: status, body: isBare ? [] : Array((text + "\n").utf8))
        response.add("Content-Type", "text/plain; charset=utf-8")
        response.add("Cache-Control", "no-store")
        response.add("X-Content-Type-Options", "nosniff")
        return response
    }
}
