// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

/// One thing that a journal remembers over a restart.
package enum JournalEntry: Sendable, Equatable {
    /// A used token.
    ///
    /// - Parameter digest: 32 bytes.
    case token(digest: [UInt8], JournalTimes)
    /// Ended sessions, as ``RevocationCoding`` seals them: they hold names.
    case revocation(sealed: [UInt8], JournalTimes)

    static let digestByteCount = 32

    /// Of the largest entry: a revocation, as large as its coding opens it.
    static let maximumByteCount = (1 << 20) + 64

    func append(to bytes: inout [UInt8]) {
        switch self {
        case .token(let digest, let times):
            bytes.append(1)
            times.append(to: &bytes)
            bytes.append(contentsOf: digest)
        case .revocation(let sealed, let times):
            bytes.append(2)
            times.append(to: &bytes)
            bytes.appendCounted(sealed)
        }
    }

    /// All entries of a frame; nil: it is malformed.
    static func read(_ bytes: [UInt8]) -> [JournalEntry]? {
        var reader = SealedReader(bytes)
        var entries: [JournalEntry] = []
        while !reader.isAtEnd {
            guard let kind = reader.byte(), let times = JournalTimes(from: &reader) else { return nil }
            switch kind {
            case 1:
                guard let digest = reader.text(count: digestByteCount) else { return nil }
                entries.append(.token(digest: digest, times))
            case 2:
                guard let sealed = reader.counted() else { return nil }
                entries.append(.revocation(sealed: sealed, times))
            default:
                return nil
            }
        }
        return entries
    }
}

/// Until when an entry must be remembered, in a form that outlives the process, to the millisecond.
///
/// The monotonic clock goes on while the machine runs, whatever processes end. After the machine has started again only the
/// span is left of it, which then begins once more: too long rather than too short.
package struct JournalTimes: Sendable, Equatable {
    /// Seconds since 1970.
    let until: Double
    /// On the monotonic clock of the machine that wrote it.
    let end: Double
    /// Seconds that were left when it was written.
    let span: Double

    package init(_ expiry: Expiry, now: ClockReading) {
        until = max(0, expiry.wall)
        end = max(0, expiry.monotonic)
        span = min(max(0, expiry.monotonic - now.monotonic), Self.longest)
    }

    /// - Parameter isSameBoot: the machine was not started since, as far as is known.
    func expiry(now: ClockReading, isSameBoot: Bool) -> Expiry {
        // A clock that is behind the recorded value has been restarted.
        let goesOn = isSameBoot && end - span <= now.monotonic + Self.precision
        return Expiry(wall: until, monotonic: goesOn ? end : now.monotonic + span)
    }

    fileprivate func append(to bytes: inout [UInt8]) {
        bytes.appendNumber(Self.milliseconds(until), bytes: 8)
        bytes.appendNumber(Self.milliseconds(end), bytes: 8)
        bytes.appendNumber(Self.milliseconds(span), bytes: 8)
    }

    fileprivate init?(from reader: inout SealedReader) {
        guard let until = reader.number(bytes: 8), let end = reader.number(bytes: 8), let span = reader.number(bytes: 8)
        else { return nil }
        self.until = Double(until) / 1000
        self.end = Double(end) / 1000
        self.span = min(Double(span) / 1000, Self.longest)
    }

    /// Upwards: never shorter than it was.
    private static func milliseconds(_ seconds: Double) -> UInt64 { UInt64(min(seconds * 1000, 9e15).rounded(.up)) }

    /// Thirty years, as ``Retention`` has it.
    private static let longest = 1e9
    /// What rounding may add, in seconds.
    private static let precision = 0.01
}
