// SPDX-License-Identifier: Apache-2.0

/// A record of closed streams, since frames may still arrive on them (RFC 9113 §5.1).
///
/// Frames on a stream that Sidegate reset are ignored, since the peer may not know of the reset yet; on a stream that
/// the peer ended or reset itself, further frames are a connection error. Both lists are bounded: frames on a stream
/// too old to be recorded are not explained by a delay.
struct ClosedStreams: Sendable {
    /// The streams that Sidegate reset; a ring once there are many.
    private var reset: [Int32] = []
    private var oldestReset = 0
    private let maximumReset: Int
    /// The streams closed last, for whatever reason.
    private var recent = InlineArray<16, Int32>(repeating: 0)
    private var oldestRecent = 0

    init(maximumReset: Int) {
        self.maximumReset = max(maximumReset, 16)
    }

    mutating func noteReset(_ streamID: Int32) {
        guard !wasReset(streamID) else { return }
        if reset.count < maximumReset {
            reset.append(streamID)
        } else {
            reset[oldestReset] = streamID
            oldestReset = (oldestReset + 1) % maximumReset
        }
    }

    mutating func noteClosed(_ streamID: Int32) {
        recent[oldestRecent] = streamID
        oldestRecent = (oldestRecent + 1) % 16
    }

    func wasReset(_ streamID: Int32) -> Bool { reset.contains(streamID) }

    /// False for a stream that never existed, or was closed long ago.
    func wasRecentlyClosed(_ streamID: Int32) -> Bool {
        for index in 0..<16 where recent[index] == streamID { return true }
        return false
    }
}
