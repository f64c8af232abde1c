// SPDX-License-Identifier: Apache-2.0

/// What is remembered of streams that are no more, since frames may still come on them (RFC 9113 §5.1).
///
/// A peer may not know yet that we reset a stream, and its frames are to be ignored; on a stream that it ended or reset
/// itself, more frames are a connection error. Bounded on both counts: who goes on about a stream so old that it was
/// forgotten is not a client that did not know.
struct ClosedStreams: Sendable {
    /// The streams that we reset, in a ring once there are many.
    private var reset: [Int32] = []
    private var oldestReset = 0
    private let maximumReset: Int
    /// The last ones that ended in any way.
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

    /// False for a stream that never was, or was long ago.
    func wasRecentlyClosed(_ streamID: Int32) -> Bool {
        for index in 0..<16 where recent[index] == streamID { return true }
        return false
    }
}
