// SPDX-License-Identifier: Apache-2.0

import CEpoll
import Glibc

/// A plain stream socket.
package final class SocketTransport: Transport, ReadinessObserver {
    private enum State {
        case connecting, open, closed
    }

    private var descriptor: FileDescriptor?
    private var registration: Registration?
    private var state: State
    private var awaitsWritable = false
    /// Events arrived while reading was paused, or the last read did not empty the socket.
    private var mayBeReadable = false
    /// The last read took as much as it was allowed to.
    private var wasFull = false
    /// The kernel reported that the peer closed its side: a short read then does not prove that nothing follows.
    private var sawPeerClose = false
    /// Found by a read after bytes that had to be delivered first.
    private var pendingError: Int32?

    /// Takes ownership of a connected socket.
    package init(connected descriptor: consuming FileDescriptor, loop: EventLoop) throws(SystemError) {
        let raw = descriptor.raw
        self.descriptor = consume descriptor
        state = .open
        super.init(loop: loop)
        registration = try loop.add(raw, self)
    }

    /// Starts to connect. The owner gets ``TransportOwner/transportWritable()`` when the attempt has ended;
    /// ``connectionError()`` gives the result.
    package init(connectingTo address: SocketAddress, loop: EventLoop) throws(SystemError) {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let raw = socket(address.family, type, 0)
        guard raw >= 0 else { throw SystemError("socket") }
        let descriptor = FileDescriptor(owning: raw)
        if address.family != AF_UNIX {
            SocketOption.set(raw, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            SocketOption.set(raw, SOL_SOCKET, SO_KEEPALIVE, 1)
        }
        let result = unsafe address.withRaw { unsafe connect(raw, $0, $1) }
        guard let result else { throw SystemError("connect", ENAMETOOLONG) }
        if result != 0, errno != EINPROGRESS {
            // A unix socket with a full backlog returns EAGAIN and never becomes writable: treated as refused.
            throw SystemError("connect")
        }
        self.descriptor = consume descriptor
        state = .connecting
        super.init(loop: loop)
        let registration = try loop.add(raw, self, isFirst: true)
        self.registration = registration
        guard loop.setWriting(true, of: registration) else {
            loop.remove(registration)
            throw SystemError("epoll_ctl")
        }
    }

    package override var peerName: String {
        guard let raw = rawDescriptor else { return "" }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getpeername(raw, $0, &length) }
        }
        return result == 0 ? SocketAddress(storage)?.description ?? "" : ""
    }

    /// After a connection attempt: nil if it succeeded.
    package func connectionError() -> SystemError? {
        guard case .connecting = state, let raw = rawDescriptor else { return SystemError("connect", ECANCELED) }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(raw, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return SystemError("getsockopt") }
        guard code == 0 else { return SystemError("connect", code) }
        state = .open
        if let registration { loop.setWriting(false, of: registration) }
        // Dispatch does not repeat an event that arrived with the connection if the peer has already hung up.
        notifyAfterEvent()
        return nil
    }

    public override func read(into buffer: ReceiveBuffer, boundFor sink: Transport? = nil) -> ReadOutcome {
        if let pendingError {
            self.pendingError = nil
            return .failed(pendingError)
        }
        let usual = min(sink == nil ? readSize : ReceiveBuffer.usualRead, buffer.capacity)
        var outcome = receive(into: buffer, from: 0, to: usual)
        guard case .bytes(let count, more: true) = outcome, count >= usual, let sink else {
            return outcome
        }
        let bound = min(mostToRead(boundFor: sink), buffer.capacity)
        guard bound > count else { return outcome }
        switch receive(into: buffer, from: count, to: bound) {
        case .bytes(let added, let more): outcome = .bytes(count + added, more: more)
        case .wouldBlock: outcome = .bytes(count, more: false)
        // The next read finds an end again, but not an error.
        case .end: mayBeReadable = true
        case .failed(let code):
            pendingError = code
            mayBeReadable = true
        }
        return outcome
    }

    public override var mayHaveUnread: Bool { wasFull }

    private func receive(into buffer: ReceiveBuffer, from start: Int, to end: Int) -> ReadOutcome {
        guard let raw = rawDescriptor else { return .failed(EBADF) }
        let count = unsafe buffer.fill(from: start, to: end) { place, room in
            while true {
                let count = unsafe recv(raw, place, room, 0)
                if count >= 0 || errno != EINTR { return count }
            }
        }
        if count > 0 {
            // A read that did not fill the buffer emptied the socket; later bytes cause a new event (epoll(7)).
            wasFull = count == end - start
            mayBeReadable = wasFull || sawPeerClose
            return .bytes(count, more: mayBeReadable)
        }
        wasFull = false
        if count == 0 {
            mayBeReadable = false
            return .end
        }
        mayBeReadable = false
        return errno == EAGAIN ? .wouldBlock : .failed(errno)
    }

    package override func splice(to sink: Transport, atMost most: Int, rest: (Span<UInt8>) -> Void) -> SpliceOutcome {
        guard most >= SplicePipe.leastCount, pendingError == nil, let source = rawDescriptor,
            let sink = sink as? SocketTransport, let target = sink.rawDescriptor
        else { return .unavailable }
        let most = min(most, mostToRead(boundFor: sink))
        guard most >= SplicePipe.leastCount else { return .unavailable }
        let outcome = loop.withSplicePipe { pipe -> SpliceOutcome in
            switch pipe.fill(from: source, atMost: most) {
            case .bytes(let count):
                // Few bytes do not prove that the socket is empty: each piece of memory takes a place in the pipe.
                mayBeReadable = true
                return loop.withReceiveBuffer { pipe.empty(count, into: target, by: $0, rest: rest) }
            case .nothingNow:
                mayBeReadable = false
                return .moved(0, left: 0, more: false)
            // The next read finds an end again, but not an error.
            case .unknown: return .unavailable
            case .failed(let code):
                pendingError = code
                return .unavailable
            }
        }
        return outcome ?? .unavailable
    }

    /// Passes waiting bytes to `take` without removing them, and then removes as many as it returns, at least one; the
    /// rest stays in the socket for the next reader. Nil ends with `failed`.
    package func receivePreface(_ take: (Span<UInt8>) -> Int?) -> ReadOutcome {
        guard let raw = rawDescriptor else { return .failed(EBADF) }
        return loop.withReceiveBuffer { buffer in
            let seen = unsafe buffer.fill(from: 0, to: Self.prefaceByteCount) {
                unsafe recv(raw, $0, $1, Int32(MSG_PEEK))
            }
            guard seen > 0 else {
                if seen == 0 { return .end }
                return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno)
            }
            guard let count = buffer.read(seen, take), 1...seen ~= count else { return .failed(EPROTO) }
            // They were available just now, and there is no other reader.
            let taken = unsafe buffer.fill(from: 0, to: count) { unsafe recv(raw, $0, $1, 0) }
            guard taken == count else { return .failed(EPROTO) }
            mayBeReadable = true
            return .bytes(count, more: true)
        }
    }

    /// Half of what the kernel would still accept: it counts its own overhead as well (SO_MEMINFO, socket(7)).
    public override var writeRoom: Int {
        guard let raw = rawDescriptor else { return 0 }
        var information = InlineArray<9, UInt32>(repeating: 0)
        var size = socklen_t(MemoryLayout<InlineArray<9, UInt32>>.size)
        guard unsafe getsockopt(raw, SOL_SOCKET, Self.memoryInformation, &information, &size) == 0 else { return 0 }
        // TCP counts queued bytes; a unix socket only allocated ones.
        let (sendBuffer, queued) = (information[3], max(information[2], information[5]))
        return sendBuffer > queued ? Int(sendBuffer - queued) / 2 : 0
    }

    /// Counted by the kernel (SIOCOUTQ, tcp(7), unix(7)).
    public override var queuedBytes: Int {
        guard let raw = rawDescriptor else { return 0 }
        var count: Int32 = 0
        guard unsafe ioctl(raw, UInt(TIOCOUTQ), &count) == 0 else { return 0 }
        return Int(max(0, count))
    }

    public override func write(_ first: Span<UInt8>, _ second: Span<UInt8>, _ third: Span<UInt8>) -> WriteOutcome {
        guard let raw = rawDescriptor else { return .failed(EBADF) }
        let count: Int
        if second.isEmpty, third.isEmpty {
            count = unsafe first.withUnsafeBytes { unsafe Glibc.send(raw, $0.baseAddress, $0.count, Self.sendFlags) }
        } else if first.isEmpty, third.isEmpty {
            count = unsafe second.withUnsafeBytes { unsafe Glibc.send(raw, $0.baseAddress, $0.count, Self.sendFlags) }
        } else {
            count = unsafe first.withUnsafeBytes { first in
                unsafe second.withUnsafeBytes { second in
                    unsafe third.withUnsafeBytes { third in unsafe Self.gather(raw, first, second, third) }
                }
            }
        }
        if count >= 0 { return .wrote(count) }
        return errno == EAGAIN || errno == EINTR ? .wrote(0) : .failed(errno)
    }

    public override func awaitWritable() {
        guard !awaitsWritable, let registration else { return }
        awaitsWritable = true
        guard !loop.setWriting(true, of: registration) else { return }
        // Without an event the connection would wait until its time limit: the owner tries again without one.
        loop.nextTurn { [weak self] in self?.descriptorReady(.writable) }
    }

    public override func shutDownWriting() {
        guard let raw = rawDescriptor else { return }
        _ = shutdown(raw, Int32(SHUT_WR))
    }

    public override func close(abruptly: Bool = false) {
        guard let raw = rawDescriptor else { return }
        if let registration { loop.remove(registration) }
        if abruptly {
            var option = linger(l_onoff: 1, l_linger: 0)
            _ = unsafe setsockopt(raw, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        state = .closed
        registration = nil
        descriptor = nil
        owner = nil
    }

    public override func pauseReading() {
        guard !isReadingPaused else { return }
        super.pauseReading()
        if let registration { loop.setReading(false, of: registration) }
    }

    public override func resumeReading() {
        guard isReadingPaused else { return }
        super.resumeReading()
        if let registration { loop.setReading(true, of: registration) }
        notifyAfterEvent()
    }

    package func descriptorReady(_ events: ReadinessEvents) {
        if events.contains(.peerClosed) || events.contains(.failed) { sawPeerClose = true }
        guard state != .connecting else {
            if events.contains(.readable) { mayBeReadable = true }
            if !events.isDisjoint(with: [.writable, .failed]) { owner?.transportWritable() }
            return
        }
        if events.contains(.writable), awaitsWritable {
            awaitsWritable = false
            if let registration { loop.setWriting(false, of: registration) }
            owner?.transportWritable()
        }
        // The owner may have closed the transport while it wrote.
        guard state == .open, !events.isDisjoint(with: [.readable, .peerClosed, .failed]) else { return }
        mayBeReadable = true
        if !isReadingPaused {
            owner?.transportReadable()
        } else if sawPeerClose {
            owner?.transportPeerClosed(failed: events.contains(.failed))
        }
    }

    /// Notifies the owner of unread bytes, if there are any.
    private func notifyAfterEvent() {
        guard mayBeReadable else { return }
        loop.afterEvent { [self] in
            if !isReadingPaused, mayBeReadable { owner?.transportReadable() }
        }
    }

    /// The descriptor, for a transport that encrypts over it and does its own reading and writing; nil once closed.
    package var descriptorInUse: Int32? { rawDescriptor }

    /// An encrypting transport has read the socket. `more`: there may be unread bytes.
    ///
    /// - Returns: whether there may be unread bytes; true if the peer has closed its side.
    @discardableResult
    package func noteExternalRead(more: Bool) -> Bool {
        wasFull = more
        mayBeReadable = more || sawPeerClose
        return mayBeReadable
    }

    private var rawDescriptor: Int32? {
        switch descriptor {
        case .some(let descriptor): descriptor.raw
        case .none: nil
        }
    }

    private static func gather(
        _ raw: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ third: UnsafeRawBufferPointer
    ) -> Int {
        var pieces: InlineArray<3, iovec> = unsafe [
            iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count),
            iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count),
            iovec(iov_base: UnsafeMutableRawPointer(mutating: third.baseAddress), iov_len: third.count),
        ]
        return unsafe withUnsafeMutablePointer(to: &pieces) { pointer in
            unsafe pointer.withMemoryRebound(to: iovec.self, capacity: 3) { vector in
                var message = unsafe msghdr()
                unsafe message.msg_iov = vector
                unsafe message.msg_iovlen = 3
                return unsafe sendmsg(raw, &message, sendFlags)
            }
        }
    }

    /// The number of bytes checked at once in a preface.
    private static let prefaceByteCount = 512
    /// SO_MEMINFO (asm-generic/socket.h).
    private static let memoryInformation: Int32 = 55
    /// A closed peer is an error to handle, not a fatal signal.
    private static let sendFlags = Int32(MSG_NOSIGNAL)
}

package enum SocketOption {
    /// Sets an integer option. Failure is ignored: none of them is needed for correctness.
    static func set(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
