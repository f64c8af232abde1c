// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// Makes the exchanges of one loop.
protocol ExchangeService: AnyObject {
    func makeExchange() -> Exchange
    /// A key for a WebSocket handshake (RFC 6455 §4.1), base64.
    func webSocketKey() -> [UInt8]
    /// A client was too slow while others waited.
    func endedSlow(_ side: PaceMeter.Side)
    /// Determines whether requests wait for connections to apps.
    func hasWaitingRequests(_ now: MonotonicTime) -> Bool
    /// How long a request waits for a connection at most; nil: it never does.
    var shortestWait: Nanoseconds? { get }
}

/// What a gate's exchanges ask of the client connections of their loop.
protocol ClientSide: AnyObject {
    /// Calls `body` with each exchange in progress.
    func forEachExchange(_ body: (Exchange) -> Void)
    /// Requests wait for a connection to an app: measures the pace of all clients from now on, while that lasts.
    func startPacing()
    /// A request has waited for as long as it may: ends slow ones before that.
    func measurePaceNow()
    func tunnelOpened(_ tunnel: Tunnel)
    func tunnelClosed(_ tunnel: Tunnel)
    func forEachTunnel(_ body: (Tunnel) -> Void)
    func closeTunnels(where hasEnded: (Tunnel) -> Bool)
    /// Closes connections to apps that belong to sessions which are over.
    func closeBoundUpstreams(whereEnded hasEnded: (Identity) -> Bool)
}

/// The part of the configuration that exchanges of a gate need.
struct GateServiceConfiguration {
    let upstreams: [UpstreamConfiguration]
    let limits: ConnectionLimits
    let strictTransportLine: [UInt8]
    /// Refusals are not enforced (`access.mode: observe`), for the metrics.
    var observes: Bool
    /// The identity providers' names, for the metrics.
    let providers: [String]

    var maximumContent: UInt64 { limits.bodyBytes > 0 ? limits.bodyBytes : .max }
}
