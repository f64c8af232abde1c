// SPDX-License-Identifier: Apache-2.0

import HTTP
import TLS
import Telemetry

/// The proxy's configuration, as checked values: sizes, times and the addresses of the apps.
package struct ProxyConfiguration: Sendable {
    package var limits = ConnectionLimits()
    package var upstream: UpstreamConfiguration
    /// More apps, in the order in which the gate counts them.
    package var otherUpstreams: [UpstreamConfiguration] = []
    /// Peers whose X-Forwarded-* fields are trusted.
    package var trustedProxies: [CIDR] = []
    /// Connections from these, and over unix sockets, begin with a PROXY protocol header.
    package var expectsProxyProtocol = false
    /// A line for each request goes to the access log.
    package var logsRequests = true
    /// How much the log says about single requests besides.
    package var logDetail = LogDetail.none
    /// Refusals are not enforced (`access.mode: observe`), for the metrics.
    package var observes = false
    /// The identity providers' names, for the metrics.
    package var providers: [String] = []
    /// Clients connect over TLS; nil: over plain HTTP.
    package var tls: TLSServerContext?
    /// The response on addresses that only redirect.
    package var redirect: SecureRedirect?
    /// `max-age` of Strict-Transport-Security, on every response over TLS; 0: no such field (RFC 6797).
    package var strictTransportSeconds: UInt64 = 0

    private var strictTransportLine: [UInt8] {
        strictTransportSeconds == 0
            ? [] : Array("Strict-Transport-Security: max-age=\(strictTransportSeconds)\r\n".utf8)
    }

    var trust: ProxyTrust {
        ProxyTrust(proxies: trustedProxies, expectsProxyProtocol: expectsProxyProtocol)
    }

    var service: GateServiceConfiguration {
        GateServiceConfiguration(
            upstreams: [upstream] + otherUpstreams, limits: limits, strictTransportLine: strictTransportLine,
            observes: observes, providers: providers)
    }

    package init(upstream: UpstreamConfiguration) {
        self.upstream = upstream
    }
}
