// SPDX-License-Identifier: Apache-2.0

import CEpoll
import Glibc

/// A pipe through which bytes pass from one socket to another without being copied to this process (splice(2)).
///
/// Each use fills it and empties it: what the second socket does not take is read from it. So no connection holds one, and
/// the bytes of one are never another's.
package final class SplicePipe {
    package enum Filling: Equatable {
        case bytes(Int)
        case nothingNow
        /// The connection is broken (an error number).
        case failed(Int32)
        /// The end, or the kernel does not splice from this socket: a read will tell.
        case unknown
    }

    private enum State {
        case usable
        /// The kernel does not splice with one of the sockets.
        case refused
        /// It holds bytes that belong to a broken connection.
        case dirty
    }

    private let reading: FileDescriptor
    private let writing: FileDescriptor
    private let capacity: Int
    private var state = State.usable

    /// Disables SIGPIPE for the process, since splice(2) has nothing like `MSG_NOSIGNAL`.
    package init() throws(SystemError) {
        signal(SIGPIPE, SIG_IGN)
        var (reading, writing): (Int32, Int32) = (-1, -1)
        guard unsafe sidegate_pipe(&reading, &writing) == 0 else { throw SystemError("pipe2") }
        self.reading = FileDescriptor(owning: reading)
        self.writing = FileDescriptor(owning: writing)
        capacity = Int(sidegate_pipe_capacity(reading, Self.wantedCapacity))
        // A user with many pipes gets those of two pages (pipe(7)).
        guard capacity >= Self.leastCount else { throw SystemError("fcntl", EPERM) }
    }

    /// It is empty and may be used again.
    package var isUsable: Bool { state == .usable }

    /// The kernel will not splice the next time either.
    package var isRefused: Bool { state == .refused }

    /// Takes at most `most` bytes from `socket`. The pipe must be empty.
    package func fill(from socket: Int32, atMost most: Int) -> Filling {
        let count = sidegate_splice(socket, writing.raw, min(most, capacity))
        if count > 0 { return .bytes(count) }
        if count == 0 { return .unknown }
        switch errno {
        case EAGAIN: return .nothingNow
        case EINTR: return .unknown
        case let code where Self.refusals.contains(code):
            state = .refused
            return .unknown
        case let code: return .failed(code)
        }
    }

    /// Passes the `count` bytes that are in the pipe to `socket`, and those that it does not take to `rest`.
    package func empty(
        _ count: Int, into socket: Int32, by buffer: ReceiveBuffer, rest: (Span<UInt8>) -> Void
    ) -> SpliceOutcome {
        var given = 0
        while given < count {
            let step = sidegate_splice(reading.raw, socket, count - given)
            if step > 0 {
                given += step
                continue
            }
            let code = step == 0 ? EAGAIN : errno
            if code == EINTR { continue }
            if code != EAGAIN {
                guard Self.refusals.contains(code) else {
                    state = .dirty
                    return .broken(count)
                }
                state = .refused
            }
            guard read(count - given, by: buffer, rest) else {
                state = .dirty
                return .broken(count)
            }
            return .moved(count, left: count - given, more: true)
        }
        return .moved(count, left: 0, more: true)
    }

    /// Passes `count` bytes of the pipe to `rest`.
    private func read(_ count: Int, by buffer: ReceiveBuffer, _ rest: (Span<UInt8>) -> Void) -> Bool {
        var done = 0
        while done < count {
            let raw = reading.raw
            let step = unsafe buffer.fill(from: 0, to: min(count - done, buffer.capacity)) {
                unsafe Glibc.read(raw, $0, $1)
            }
            guard step > 0 else { return false }
            buffer.read(step, rest)
            done += step
        }
        return true
    }

    /// Fewer bytes are cheaper to copy.
    package static let leastCount = 65_536
    /// A connection's share of a turn; a larger one saves little.
    private static let wantedCapacity = Int32(TurnShare.most)
    /// What the kernel says if it does not splice at all, with these sockets or for now; EPERM is a filter of system calls.
    private static let refusals: [Int32] = [EINVAL, ENOSYS, ENOMEM, EPERM]
}
