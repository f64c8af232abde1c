// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

/// An exchange that has ended, as the log and the counters read it.
protocol FinishedExchange: AnyObject {
    var request: RequestHead { get }
    var record: ExchangeRecord { get }
    var requestID: [UInt8] { get }
    /// What the request was about.
    var purpose: RequestPurpose { get }
}
