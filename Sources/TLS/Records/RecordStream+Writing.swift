// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor

// Sending: data, the end, alerts and key updates.
extension RecordStream {
    /// Seals the pieces and returns how much of them was written to the socket. `room` is called for larger writes.
    ///
    /// A sealed record that did not fit is reported as written by the later write that sends it; its data must be
    /// passed first.
    package func write(
        _ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>, by scratch: ReceiveBuffer, room: () -> Int
    ) -> WriteOutcome {
        let total = first.count + second.count + third.count
        guard total > 0 else { return .wrote(0) }
        guard failure == nil, !hasSentEnd, total >= unsentData else { return .failed(EPROTO) }
        // Without data, the pending bytes are sent together with what follows.
        guard unsentData == 0 || flush() else { return failure == nil ? .wrote(0) : .failed(EPROTO) }
        var taken = unsentData
        unsentData = 0
        while taken < total {
            if owesNewKey || sealing.sequence >= Self.recordsPerKey { changeKey() }
            guard failure == nil else { return .failed(EPROTO) }
            guard unsent.count <= Self.maximumBefore || flush() else {
                if failure == nil { break }
                return .failed(EPROTO)
            }
            let before = unsent.count
            let left = total - taken
            let most = (scratch.capacity - Self.maximumBefore) / Self.maximumRecord * TrafficKey.maximumContent
            let goal =
                left <= TrafficKey.maximumContent ? left : min(left, max(TrafficKey.maximumContent, room()), most)
            var sealed = 0
            var place = unsafe scratch.fill(from: 0, to: unsent.count) { target, count in
                unsafe unsent.withUnsafeBytes { unsent in
                    if let start = unsent.baseAddress { unsafe target.copyMemory(from: start, byteCount: count) }
                }
                return count
            }
            unsent = []
            while sealed < goal {
                let size = min(goal - sealed, TrafficKey.maximumContent)
                let from = taken + sealed
                let record = unsafe scratch.fill(from: place, to: place + size + TrafficKey.overhead) { target, _ in
                    unsafe sealing.seal(
                        first.extracting(Self.part(from, size, at: 0, first.count)),
                        second.extracting(Self.part(from, size, at: first.count, second.count)),
                        third.extracting(Self.part(from, size, at: first.count + second.count, third.count)),
                        type: .data, to: target) ?? 0
                }
                guard record > 0 else {
                    failure = .malformed("a record could not be sealed")
                    return .failed(EPROTO)
                }
                place += record
                sealed += size
            }
            let sent = scratch.read(place) { transmit($0) }
            guard let sent else { return .failed(EPROTO) }
            earnEmptyRecords((sealed + TrafficKey.maximumContent - 1) / TrafficKey.maximumContent)
            guard sent < place else {
                taken += sealed
                continue
            }
            // All but the last are full.
            let gone =
                max(0, sent - before) / (TrafficKey.maximumContent + TrafficKey.overhead) * TrafficKey.maximumContent
            taken += gone
            unsentData = sealed - gone
            scratch.read(place) { bytes in
                let rest = bytes.extracting(sent..<place)
                unsent = unsafe rest.withUnsafeBufferPointer { unsafe Array($0) }
            }
            break
        }
        return .wrote(taken)
    }

    /// The part of a piece that begins at `start` which lies within the `size` bytes from `from` on.
    private static func part(_ from: Int, _ size: Int, at start: Int, _ count: Int) -> Range<Int> {
        let lower = min(max(from - start, 0), count)
        return lower..<min(max(from + size - start, lower), count)
    }

    /// Sends close_notify; false if the socket is full and this must be called again.
    package func sendEnd() -> Bool {
        if !hasSentEnd, failure == nil {
            hasSentEnd = true
            // The socket is shut down right after it, in the same segment.
            send([1, Self.closeNotify], .alert, flags: Int32(MSG_MORE))
        }
        return flush() || failure != nil
    }

    /// Announces the next sending key, and switches to it.
    func changeKey() {
        owesNewKey = false
        guard let next = sealing.next() else { return failure = .malformed("no memory for a key") }
        // The peer need not update its own key.
        send([Self.keyUpdate, 0, 0, 1, 0], .handshake)
        sealing = next
    }

    /// Sends a record after the pending bytes. There are few: one end, one failure, single key updates.
    func send(_ content: [UInt8], _ type: RecordType, flags: Int32 = 0) {
        var record = [UInt8](repeating: 0, count: content.count + TrafficKey.overhead)
        let content = content.span
        let size = unsafe record.withUnsafeMutableBytes { record in
            unsafe record.baseAddress.flatMap { unsafe sealing.seal(content, Span(), Span(), type: type, to: $0) }
        }
        guard size == record.count else { return failure = failure ?? .malformed("a record could not be sealed") }
        unsent += record
        _ = flush(flags: flags)
    }

    /// Sends bytes held back to be sent with data, if there is no data yet.
    func sendHeld() {
        if unsentData == 0 { _ = flush() }
    }

    /// Whether nothing is pending.
    private func flush(flags: Int32 = 0) -> Bool {
        guard !unsent.isEmpty else { return true }
        let bytes = unsent
        guard let sent = transmit(bytes.span, flags: flags) else { return false }
        unsent = sent == bytes.count ? [] : Array(bytes[sent...])
        return unsent.isEmpty
    }

    private func transmit(_ bytes: Span<UInt8>, flags: Int32 = 0) -> Int? {
        let sent = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | flags)
        }
        if sent >= 0 { return sent }
        if errno == EAGAIN || errno == EINTR { return 0 }
        failure = failure ?? .system(errno)
        return nil
    }

    /// AES-GCM is safe for 2^24.5 full records with one key (RFC 8446 §5.5).
    private static let recordsPerKey: UInt64 = 1 << 24
    /// How many pending bytes are sent together with data.
    private static let maximumBefore = 16384
}
