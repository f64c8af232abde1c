// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor

// What is sent: data, the end, alerts and new keys.
extension RecordStream {
    /// Seals the pieces, and says how much of them is in the socket. `room` is asked what it takes, when there is much.
    ///
    /// What was sealed and did not fit is counted as taken by the write in which it goes; it must be offered again first.
    package func write(
        _ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>, by scratch: ReceiveBuffer, room: () -> Int
    ) -> WriteOutcome {
        let total = first.count + second.count + third.count
        guard total > 0 else { return .wrote(0) }
        guard failure == nil, !hasSentEnd, total >= unsentData else { return .failed(EPROTO) }
        // Without data it goes together with what follows.
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
            let most = (scratch.capacity - Self.maximumBefore) / Self.maximumRecord * RecordKey.maximumContent
            let goal = left <= RecordKey.maximumContent ? left : min(left, max(RecordKey.maximumContent, room()), most)
            var sealed = 0
            var place = unsafe scratch.fill(from: 0, to: unsent.count) { target, count in
                unsafe unsent.withUnsafeBytes { unsent in
                    if let start = unsent.baseAddress { unsafe target.copyMemory(from: start, byteCount: count) }
                }
                return count
            }
            unsent = []
            while sealed < goal {
                let size = min(goal - sealed, RecordKey.maximumContent)
                let from = taken + sealed
                let record = unsafe scratch.fill(from: place, to: place + size + RecordKey.overhead) { target, _ in
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
            earnAllowance((sealed + RecordKey.maximumContent - 1) / RecordKey.maximumContent)
            guard sent < place else {
                taken += sealed
                continue
            }
            // All but the last are full.
            let gone =
                max(0, sent - before) / (RecordKey.maximumContent + RecordKey.overhead) * RecordKey.maximumContent
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

    /// Which part of a piece that stands at `start` is among the `size` bytes from `from` on.
    private static func part(_ from: Int, _ size: Int, at start: Int, _ count: Int) -> Range<Int> {
        let lower = min(max(from - start, 0), count)
        return lower..<min(max(from + size - start, lower), count)
    }

    /// Sends the end of our bytes; false when the socket is full, and it is to be asked again.
    package func sendEnd() -> Bool {
        if !hasSentEnd, failure == nil {
            hasSentEnd = true
            // The socket's own end comes right after it, in the same segment.
            send([1, Self.closeNotify], .alert, flags: Int32(MSG_MORE))
        }
        return flush() || failure != nil
    }

    /// Says that we seal by our next key from here on, and does.
    func changeKey() {
        owesNewKey = false
        guard let next = sealing.next() else { return failure = .malformed("no memory for a key") }
        // The peer need not follow.
        send([Self.keyUpdate, 0, 0, 1, 0], .handshake)
        sealing = next
    }

    /// Sends a record of its own after what waits to be sent. There are few: one end, one failure, new keys one by one.
    func send(_ content: [UInt8], _ type: RecordType, flags: Int32 = 0) {
        var record = [UInt8](repeating: 0, count: content.count + RecordKey.overhead)
        let content = content.span
        let size = unsafe record.withUnsafeMutableBytes { record in
            unsafe record.baseAddress.flatMap { unsafe sealing.seal(content, Span(), Span(), type: type, to: $0) }
        }
        guard size == record.count else { return failure = failure ?? .malformed("a record could not be sealed") }
        unsent += record
        _ = flush(flags: flags)
    }

    /// Sends what was to go with data, of which there is none yet.
    func sendHeld() {
        if unsentData == 0 { _ = flush() }
    }

    /// Whether nothing waits to be sent.
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

    /// AES-GCM bears 2^24.5 full records by one key (RFC 8446 §5.5).
    private static let recordsPerKey: UInt64 = 1 << 24
    /// How much of what waits to be sent goes together with data.
    private static let maximumBefore = 16384
}
