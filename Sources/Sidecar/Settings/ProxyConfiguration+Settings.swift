// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import HTTP
import HTTP1
import Proxy
import Reactor
import TLS
import Telemetry

extension ProxyConfiguration {
    /// The configuration of one of `workers` workers; `limits.connections` is divided among them.
    ///
    /// - Parameters:
    ///   - identityHeaders: names that are not allowed in trailers to the app.
    ///   - tls: for connections of browsers.
    init(
        _ settings: Settings, identityHeaders: [String], workers: Int, tls: TLSServerContext?
    ) throws(TLSError) {
        self.init(upstream: try UpstreamConfiguration(settings.upstream))
        for app in settings.apps { otherUpstreams.append(try UpstreamConfiguration(app.upstream)) }
        self.tls = tls
        redirect = SecureRedirect(settings)
        if let duration = settings.tls?.strictTransportSecurity {
            strictTransportSeconds = UInt64(duration.inSeconds)
        }
        trustedProxies = settings.trustedProxies
        expectsProxyProtocol = settings.proxyProtocol
        logsRequests = settings.log.access
        logDetail = LogDetail(settings.log.level)
        observes = settings.access.mode == .observe
        providers = settings.providers.map(\.metricName)
        limits.message = HTTP1Limits(
            headBytes: settings.limits.headerBytes, forbiddenTrailers: identityHeaders)
        limits.bodyBytes = settings.limits.bodyBytes.map { UInt64(clamping: $0) } ?? 0
        limits.connections = max(1, settings.limits.connections / workers)
        limits.headerTimeout = .seconds(settings.limits.headerTimeout.inSeconds)
        limits.bodyIdleTimeout = .seconds(settings.limits.bodyIdleTimeout.inSeconds)
        limits.minimumBodyRate = UInt64(clamping: settings.limits.minimumBodyRate)
        limits.clientShare = Double(settings.limits.clientShare) / 1000
        limits.keepAliveTimeout = .seconds(settings.limits.keepAliveTimeout.inSeconds)
        limits.http2.isEnabled = settings.limits.http2.isEnabled
        limits.http2.maxConcurrentStreams = settings.limits.http2.maxConcurrentStreams
    }
}

extension UpstreamConfiguration {
    init(_ settings: UpstreamSettings) throws(TLSError) {
        let endpoint: Endpoint =
            switch settings.address {
            case .http(let host, let port), .https(let host, let port), .h2c(let host, let port):
                .host(host, port: port)
            case .unix(let path): .unix(path: path)
            }
        self.init(endpoint)
        if case .h2c = settings.address { version = .http2 }
        connectTimeout = .seconds(settings.connectTimeout.inSeconds)
        responseTimeout = .seconds(settings.responseTimeout.inSeconds)
        idleTimeout = .seconds(settings.idleTimeout.inSeconds)
        maxConnections = settings.maxConnections
        leniency = settings.isTolerant ? .tolerant : .standard
        collectRequests = settings.collectRequests
        if case .https = settings.address {
            if settings.offersHTTP2 { version = .negotiated }
            tls = try TLSClientContext(
                TLSClientConfiguration(settings.tls, offersHTTP2: settings.offersHTTP2))
        }
    }
}
