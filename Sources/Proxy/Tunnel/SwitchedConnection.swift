// SPDX-License-Identifier: Apache-2.0

import Reactor

/// A client's connection after the 101.
struct SwitchedConnection {
    var transport: Transport
    /// Bytes that the client has sent early.
    var early: [UInt8] = []
    /// What of the head, and of the responses before it, is not in the socket yet.
    var unsent: [UInt8] = []
}
