// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Output for one peer that is not in its socket yet: heads being written, and what a full socket did not take.
///
/// Its user bounds it, by not reading from the other side while `isBlocked`. The memory comes from the loop and returns
/// to it when the queue is empty, so an idle connection holds none.
package struct OutputQueue {
    package enum Outcome: Equatable {
        /// Everything is in the socket.
        case done
        /// The socket is full; the rest is queued.
        case blocked
        /// The connection is broken.
        case failed
    }

    /// Heads and chunk headers are appended here, and sent with the next ``send(_:_:to:)``.
    package var bytes: [UInt8] = []
    /// How much of `bytes` is in the socket already.
    private var sent = 0
    package private(set) var isBlocked = false
    /// A write failed, perhaps for lack of memory only: what it had to write is missing, so nothing may follow it.
    private var hasFailed = false
    /// Bytes that the socket took so far.
    package private(set) var written: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { sent == bytes.count }

    /// What is queued.
    package var unsent: [UInt8] { Array(bytes[sent...]) }

    /// Sends what is queued, then `content`, then `tail`, in one system call; keeps what does not fit.
    package mutating func send(_ content: Span<UInt8>, _ tail: Span<UInt8>, to transport: Transport) -> Outcome {
        guard !isBlocked else {
            guard !hasFailed else { return .failed }
            append(content)
            append(tail)
            return .blocked
        }
        // With little to copy, one piece costs the kernel less than several.
        if content.count + tail.count <= Self.copiedCount, bytes.count + content.count + tail.count <= bytes.capacity {
            append(content)
            append(tail)
            return sendQueued(to: transport)
        }
        let queued = bytes.count - sent
        let total = queued + content.count + tail.count
        guard case .wrote(let count) = transport.write(bytes.span.extracting(sent...), content, tail) else {
            return fail()
        }
        written &+= UInt64(count)
        if count == total {
            bytes.removeAll(keepingCapacity: true)
            sent = 0
            return .done
        }
        isBlocked = true
        transport.awaitWritable()
        if count < queued {
            sent += count
            append(content)
            append(tail)
        } else {
            bytes.removeAll(keepingCapacity: true)
            sent = 0
            let rest = count - queued
            append(content.extracting(min(rest, content.count)...))
            append(tail.extracting(max(0, rest - content.count)...))
        }
        return .blocked
    }

    /// Passes at most `most` bytes from `source` to `transport` without copying them, if nothing is queued; keeps what does
    /// not fit.
    package mutating func splice(
        from source: Transport, to transport: Transport, atMost most: Int
    ) -> SpliceOutcome {
        guard !isBlocked, isEmpty else { return .unavailable }
        let outcome = source.splice(to: transport, atMost: most) { append($0) }
        switch outcome {
        case .moved(let count, let left, _):
            written &+= UInt64(count - left)
            if left > 0 {
                isBlocked = true
                transport.awaitWritable()
            }
        case .broken: _ = fail()
        case .unavailable: break
        }
        return outcome
    }

    private mutating func sendQueued(to transport: Transport) -> Outcome {
        guard sent < bytes.count else { return .done }
        guard case .wrote(let count) = transport.write(bytes.span.extracting(sent...), Span(), Span()) else {
            return fail()
        }
        sent += count
        written &+= UInt64(count)
        guard sent == bytes.count else {
            isBlocked = true
            transport.awaitWritable()
            return .blocked
        }
        bytes.removeAll(keepingCapacity: true)
        sent = 0
        return .done
    }

    /// There is room again.
    package mutating func resume(to transport: Transport) -> Outcome {
        guard !hasFailed else { return .failed }
        isBlocked = false
        return sendQueued(to: transport)
    }

    private mutating func fail() -> Outcome {
        hasFailed = true
        // The receiver has not taken what waits for it.
        isBlocked = true
        return .failed
    }

    private static let copiedCount = 2048
    /// Pieces smaller than this are copied together rather than sent one by one.
    static let coalescingLimit = 8192

    private mutating func append(_ span: Span<UInt8>) {
        bytes.append(span: span)
    }
}

extension [UInt8] {
    /// Appends all of `span`.
    @inline(__always)
    mutating func append(span: Span<UInt8>) {
        guard !span.isEmpty else { return }
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }

    /// Appends ASCII text of the program itself.
    @inline(__always)
    mutating func append(text: StaticString) {
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
