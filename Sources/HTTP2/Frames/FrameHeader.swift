// SPDX-License-Identifier: Apache-2.0

/// The nine bytes before each frame's payload (RFC 9113 §4.1).
package struct FrameHeader: Equatable, Sendable {
    /// Bytes of payload, at most 2^24 - 1.
    package let length: Int
    package let type: UInt8
    package let flags: UInt8
    /// Without the reserved bit, which is ignored.
    package let streamID: Int32

    package static let byteCount = 9

    /// Reads the first nine bytes of `bytes`, which must have that many.
    package init(_ bytes: Span<UInt8>) {
        length = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
        type = bytes[3]
        flags = bytes[4]
        let identifier =
            UInt32(bytes[5] & 0x7f) << 24 | UInt32(bytes[6]) << 16 | UInt32(bytes[7]) << 8 | UInt32(bytes[8])
        streamID = Int32(truncatingIfNeeded: identifier)
    }

    package var kind: FrameKind? { FrameKind(rawValue: type) }

    /// ACK of SETTINGS and PING.
    package var isAcknowledgement: Bool { flags & 0x1 != 0 }
    /// END_STREAM of DATA and HEADERS.
    package var endsStream: Bool { flags & 0x1 != 0 }
    /// END_HEADERS of HEADERS and CONTINUATION.
    package var endsHeaders: Bool { flags & 0x4 != 0 }
}

/// The frames of RFC 9113 §6.
package enum FrameKind: UInt8, Sendable {
    case data = 0x0
    case headers = 0x1
    case priority = 0x2
    case resetStream = 0x3
    case settings = 0x4
    case pushPromise = 0x5
    case ping = 0x6
    case goAway = 0x7
    case windowUpdate = 0x8
    case continuation = 0x9
}
