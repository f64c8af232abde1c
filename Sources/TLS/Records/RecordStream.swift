// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Glibc
import Reactor

/// A TLS 1.3 connection after its handshake: application data, alerts and key updates (RFC 8446 §4.6.3, §5, §6),
/// without an `SSL`, which would use 14 KiB for as long as the connection is open.
///
/// All other post-handshake messages are rejected: none was negotiated.
package final class RecordStream {
    private enum Frame {
        /// Its length with the header.
        case whole(Int)
        case incomplete, unexpected, tooLong
    }

    /// How reading from the socket ended.
    package enum Reading: Equatable, Sendable {
        /// The socket is probably empty (`emptied`); certainly empty (`blocked`); or as much was read as requested.
        case emptied, blocked, more
        case ended, failed
    }

    let descriptor: Int32
    private var opening: TrafficKey
    var sealing: TrafficKey
    /// The beginning of an incomplete record.
    private var partial: [UInt8] = []
    private var recordCount: UInt64 = 0
    /// Sealed bytes that the socket did not accept, and the amount of data in them that was not reported as written.
    var unsent: [UInt8] = []
    var unsentData = 0
    /// The beginning of an incomplete handshake message.
    private var message: [UInt8] = []
    /// How many records without data are accepted. Received data refills it; each sent record, and time, add to it: a
    /// peer that only receives may update its keys as often as necessary.
    private var emptyRecordBudget = RecordStream.minimumEmptyRecords
    private var lastRefill: MonotonicTime
    private let now: () -> MonotonicTime
    /// The peer has updated its key and requested the same of Sidegate.
    var owesNewKey = false
    var hasSentEnd = false
    /// The last read included a key update.
    package private(set) var hasNewKey = false
    /// The peer has ended its side.
    package private(set) var hasEnded = false
    package internal(set) var failure: TLSError?

    /// - Parameters:
    ///   - descriptor: the socket; it must be open at each use.
    ///   - sealed: records that libssl has sealed by the server's key and that are still to be sent. Each must open
    ///   with that key, so their number is certain. Nil if they are unknown.
    ///   - now: the monotonic clock.
    package init?(
        _ suite: RecordSuite, _ secrets: TrafficSecrets, over descriptor: Int32, after sealed: [UInt8],
        now: @escaping () -> MonotonicTime = { .current() }
    ) {
        guard let client = secrets.client, let server = secrets.server, let opening = TrafficKey(suite, client),
            let sealing = TrafficKey(suite, server)
        else { return nil }
        (self.descriptor, self.opening, self.sealing, unsent) = (descriptor, opening, sealing, sealed)
        (self.now, lastRefill) = (now, now())
        let isWhole = unsafe sealed.withUnsafeBufferPointer { sealed in
            guard var record = sealed.baseAddress else { return true }
            var opened = [UInt8](repeating: 0, count: sealed.count)
            var left = sealed.count
            while left > 0 {
                guard case .whole(let size) = unsafe Self.frame(record, left) else { return false }
                let result = unsafe opened.withUnsafeMutableBytes { opened in
                    unsafe opened.baseAddress.flatMap { unsafe sealing.open(record, size, to: $0) }
                }
                guard result != nil else { return false }
                unsafe record += size
                left -= size
            }
            return true
        }
        guard isWhole else { return nil }
    }

    // MARK: Reading

    /// The number of a record, or of one within a message, that has begun to arrive and has not ended.
    package var openRecord: UInt64? { partial.isEmpty && message.isEmpty ? nil : recordCount }

    /// Reads available bytes once, and opens them to `filled`, up to about `end`; `scratch` is for sealed bytes.
    ///
    /// The buffer then contains at most `end` bytes, or one record.
    package func read(into buffer: ReceiveBuffer, _ filled: inout Int, upTo end: Int, by scratch: ReceiveBuffer)
        -> Reading
    {
        let held = partial.count
        // There is room for a whole record: the partial one is shorter. A key update costs a hundred times as much as a
        // short record, so a peer that sends them continually is read in small steps, for the sake of other
        // connections.
        let room = max(hasNewKey ? 0 : end - filled, Self.maximumRecord)
        hasNewKey = false
        let count = unsafe scratch.fill(from: 0, to: room) { place, room in
            unsafe partial.withUnsafeBytes { held in
                if let start = held.baseAddress { unsafe place.copyMemory(from: start, byteCount: held.count) }
            }
            while true {
                let count = unsafe recv(descriptor, place + held, room - held, 0)
                if count >= 0 || errno != EINTR { return count }
            }
        }
        guard count > 0 else {
            // Requests are framed: a browser may close without close_notify.
            if count == 0 { hasEnded = true }
            guard count < 0 else { return .ended }
            guard errno != EAGAIN else { return .blocked }
            failure = .system(errno)
            return .failed
        }
        var position = filled
        _ = unsafe scratch.fill(from: 0, to: held + count) { place, count in
            unsafe take(place.assumingMemoryBound(to: UInt8.self), count, into: buffer, &position)
            return 0
        }
        filled = position
        if failure != nil { return .failed }
        if hasEnded { return .ended }
        // After close_notify nothing may follow.
        if owesNewKey, unsent.isEmpty, !hasSentEnd { changeKey() }
        return held + count < room ? .emptied : .more
    }

    private func take(
        _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, into buffer: ReceiveBuffer, _ filled: inout Int
    ) {
        var place = 0
        while failure == nil, !hasEnded {
            let record = unsafe bytes + place
            switch unsafe Self.frame(record, count - place) {
            case .incomplete:
                // An idle connection keeps no buffer.
                partial = unsafe Array(UnsafeBufferPointer(start: record, count: count - place))
                return
            case .unexpected: return fail(Self.unexpectedMessage, "an unexpected record")
            case .tooLong: return fail(Self.recordOverflow, "a record is too long")
            case .whole(let size):
                place += size
                recordCount &+= 1
                filled += unsafe buffer.fill(from: filled, to: filled + size) { target, _ in
                    unsafe open(record, size, to: target)
                }
            }
        }
    }

    /// The number of data bytes in the record.
    private func open(_ record: UnsafeMutablePointer<UInt8>, _ size: Int, to target: UnsafeMutableRawPointer) -> Int {
        guard let (type, count) = unsafe opening.open(record, size, to: target) else {
            ErrorQueue.empty()
            fail(Self.badRecord, "a record that does not decrypt")
            return 0
        }
        // Padding is included (RFC 8446 §5.4).
        guard size <= TrafficKey.maximumContent + TrafficKey.overhead else {
            fail(Self.recordOverflow, "a record is too long")
            return 0
        }
        if type == RecordType.data.rawValue, count > 0 {
            if emptyRecordBudget < Self.minimumEmptyRecords { emptyRecordBudget = Self.minimumEmptyRecords }
        } else {
            if emptyRecordBudget == 0 { refillByTime() }
            guard emptyRecordBudget > 0 else {
                fail(Self.unexpectedMessage, "too many records without data")
                return 0
            }
            emptyRecordBudget -= 1
        }
        switch RecordType(rawValue: type) {
        // No other record may come within a message (RFC 8446 §5.1).
        case .data where message.isEmpty: return count
        case .alert where count == 2: alerted(unsafe target.load(fromByteOffset: 1, as: UInt8.self))
        case .alert where count > 0: fail(Self.decodeError, "a malformed alert")
        case .handshake where count > 0:
            handleHandshakeMessage(unsafe Array(UnsafeRawBufferPointer(start: target, count: count)))
        default: fail(Self.unexpectedMessage, "an unexpected message")
        }
        return 0
    }

    /// Records of data were sent.
    func earnEmptyRecords(_ records: Int) {
        emptyRecordBudget = min(emptyRecordBudget + records, Self.maximumEmptyRecords)
    }

    private func refillByTime() {
        let time = now()
        let earned = time.since(lastRefill).seconds * Double(Self.minimumEmptyRecords)
        guard earned >= 1 else { return }
        lastRefill = time
        earnEmptyRecords(Int(min(earned, Double(Self.maximumEmptyRecords))))
    }

    private func alerted(_ description: UInt8) {
        switch description {
        case Self.closeNotify: hasEnded = true
        case Self.userCanceled: break
        default:
            let text = unsafe SSL_alert_desc_string_long(Int32(description))
            failure = .refused(unsafe text.map { unsafe String(cString: $0) } ?? "alert \(description)")
        }
    }

    /// Handles the only valid message, KeyUpdate: the peer's next records use its next key. It may be split over
    /// records, but must end with the last of them (RFC 8446 §5.1).
    private func handleHandshakeMessage(_ fragment: [UInt8]) {
        let (type, length) = (Self.keyUpdate, [0, 0, 1] as [UInt8])
        message += fragment.prefix(Self.keyUpdateByteCount + 1 - message.count)
        guard message[0] == type else { return fail(Self.unexpectedMessage, "an unexpected message") }
        guard message.dropFirst().prefix(3).elementsEqual(length.prefix(message.count - 1)) else {
            return fail(Self.decodeError, "a malformed KeyUpdate")
        }
        guard message.count >= Self.keyUpdateByteCount else { return }
        guard message.count == Self.keyUpdateByteCount else {
            return fail(Self.unexpectedMessage, "a KeyUpdate that does not end its record")
        }
        let request = message[4]
        message = []
        guard request <= 1 else { return fail(Self.illegalParameter, "a KeyUpdate with an unknown request") }
        guard let next = opening.next() else { return fail(Self.internalError, "no memory for a key") }
        (opening, hasNewKey) = (next, true)
        // One answer is enough for all updates since the last one.
        if request == 1 { owesNewKey = true }
    }

    private func fail(_ alert: UInt8, _ text: String) {
        failure = .malformed(text)
        send([2, alert], .alert)
    }

    private static func frame(_ record: UnsafePointer<UInt8>, _ count: Int) -> Frame {
        guard count >= TrafficKey.headerByteCount else { return .incomplete }
        guard unsafe record[0] == RecordType.data.rawValue, unsafe record[1] == 3 else { return .unexpected }
        let length = Int(unsafe record[3]) << 8 | Int(unsafe record[4])
        guard length <= TrafficKey.maximumLength else { return .tooLong }
        let size = TrafficKey.headerByteCount + length
        return count < size ? .incomplete : .whole(size)
    }

    /// The maximum length of a record with its header.
    static let maximumRecord = TrafficKey.headerByteCount + TrafficKey.maximumLength
    /// Records without data: at once, and for each second.
    private static let minimumEmptyRecords = 32
    private static let maximumEmptyRecords = 1 << 20
    static let keyUpdate: UInt8 = 24
    private static let keyUpdateByteCount = 5
    /// Alerts (RFC 8446 §6).
    static let closeNotify: UInt8 = 0
    private static let unexpectedMessage: UInt8 = 10
    private static let badRecord: UInt8 = 20
    private static let recordOverflow: UInt8 = 22
    private static let illegalParameter: UInt8 = 47
    private static let decodeError: UInt8 = 50
    private static let internalError: UInt8 = 80
    private static let userCanceled: UInt8 = 90
}
