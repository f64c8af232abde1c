// SPDX-License-Identifier: Apache-2.0

import Configuration
import HTTP1
import Proxy
import Reactor
import TLS

extension ProxyConfiguration {
    /// What one of `workers` workers runs with: `limits.connections` is divided among them.
    ///
    /// - Parameters:
    ///   - identityHeaders: names that no trailer may carry to the app.
    ///   - tls: what browsers' connections are made from.
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
        provider = settings.identityProvider.preset
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
    fileprivate init(_ settings: UpstreamSettings) throws(TLSError) {
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
        if case .https = settings.address {
            if settings.offersHTTP2 { version = .negotiated }
            tls = try TLSClientContext(
                TLSClientConfiguration(settings.tls, offersHTTP2: settings.offersHTTP2))
        }
    }
}

extension ListenAddress {
    /// The sockets it stands for.
    func sources(_ inherited: InheritedSockets) throws(ServiceError) -> [ListenSource] {
        if case .redirect(let address) = self { return try address.sources(inherited).map { .redirecting($0) } }
        guard case .inherited(let name) = self else { return try resolved().map { .open($0) } }
        let descriptors = inherited.descriptors(named: name)
        guard !descriptors.isEmpty else {
            throw ServiceError(
                "`listen`: no socket was handed over for \(self). Start the service by its socket unit"
                    + (name.isEmpty ? "." : ", with FileDescriptorName=\(name).") + " Or write host:port.")
        }
        return descriptors.map { .inherited(descriptor: $0) }
    }

    /// The socket addresses it stands for; none for sockets that are handed over.
    func resolved() throws(ServiceError) -> [SocketAddress] {
        switch self {
        case .inherited: return []
        case .redirect(let address): return try address.resolved()
        case .unix(let path): return [.unix(path)]
        case .tcp(let host, let port):
            if host.isEmpty { return [.v6(high: 0, low: 0, port: port)] }
            if let literal = SocketAddress(literal: host, port: port) { return [literal] }
            switch Resolver.systemLookUp(host, port) {
            case .addresses(let addresses): return addresses
            case .failure(let reason):
                throw ServiceError(
                    "`listen`: the host \(host) has no address (\(reason)). Write an address of this machine.")
            }
        }
    }
}

/// Why the service cannot start: something it names cannot be opened.
package struct ServiceError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
