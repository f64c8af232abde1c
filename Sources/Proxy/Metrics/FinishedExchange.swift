// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

/// An exchange that has ended, as the log and the counters read it.
protocol FinishedExchange: AnyObject {
    var request: RequestHead { get }
    var record: ExchangeRecord { get }
    var requestID: [UInt8] { get }
    /// Bytes of the request's content.
    var contentCount: UInt64 { get }
    /// Of the client's connection.
    var peerNames: PeerNames { get }
    /// Nil: no trace begins here, and no spans are exported.
    var trace: TraceContext? { get }
    /// The client asked over https.
    var isSecure: Bool { get }
    /// What the request was about.
    var purpose: RequestPurpose { get }
}

extension FinishedExchange {
    /// The bytes of content that were sent: what answers HEAD has none, though it may be the response to a GET otherwise.
    var contentSent: UInt64 { request.method == .head ? 0 : record.bytesSent }
}
