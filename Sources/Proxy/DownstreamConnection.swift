// SPDX-License-Identifier: Apache-2.0

/// A browser's connection, whatever protocol it speaks, as its worker knows it.
protocol DownstreamConnection: AnyObject {
    /// The worker stops: takes no new requests and ends once those in flight are answered.
    func drain()
    /// The worker ends: whatever is in flight breaks off.
    func stop()
}
