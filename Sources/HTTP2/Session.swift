// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// One side of an HTTP/2 connection (RFC 9113) over libnghttp2, without input or output of its own: bytes in, events to
/// the handlers, bytes out. What the sides do not share is ``ServerSession``'s and ``ClientSession``'s.
///
/// Each frame is judged before the library sees it (``FrameGuard``), each field as it is decompressed (``HeadBuilder``),
/// and what the library wants to say is taken from it after each frame. So a session that was terminated is known to be
/// at once, and is fed nothing more (CVE-2026-27135).
///
/// Nothing here is for a side to override: each has its own callbacks in the library, and a frame finds its way without
/// being dispatched once more.
@safe
package class Session {
    /// Why no more input is taken; nil while all is well.
    package private(set) final var termination: ErrorCode?
    /// Gathered to be sent.
    final var output: [UInt8] = []

    final let role: FrameGuard.Role
    final let memory: SessionMemory
    /// Requests at a time.
    final let maximumStreams: Int
    final private(set) var session: OpaquePointer?
    /// Of the library's memory, what counts only while there are streams.
    private final var table: UnsafeMutableRawPointer?
    final var guardian: FrameGuard
    final var builder: HeadBuilder
    final var streams: [Stream] = []
    /// What a callback found that the whole connection must end for.
    final var fatal: ErrorCode?
    /// Streams whose content has left.
    final var drained: [Stream] = []
    /// On which content comes before a head.
    final var headless: Stream?
    /// The last was said about which of the peer's streams count.
    package internal(set) final var sentFinalGoAway = false

    /// Content bytes that the streams may hold together before none gets more.
    final let maximumHeld: Int
    final var heldBytes = 0
    /// Received on the connection but, since too much is held, not acknowledged yet.
    final var owedBytes = 0

    /// - Parameters:
    ///   - window: content bytes that may be under way on the connection.
    ///   - now: monotonic nanoseconds.
    init(
        _ role: FrameGuard.Role, maximumStreams: Int, maximumHeld: Int, head: HeadLimits, window: Int32,
        memory: SessionMemory, now: UInt64
    ) {
        self.role = role
        self.memory = memory
        self.maximumStreams = maximumStreams
        self.maximumHeld = maximumHeld
        guardian = FrameGuard(role, maximumStreams: maximumStreams, headBytes: head.bytes, now: now)
        builder = HeadBuilder(limits: head)
        var session: OpaquePointer?
        let owner = unsafe Unmanaged.passUnretained(self).toOpaque()
        let (result, table) = unsafe memory.makeSession { allocator in
            switch role {
            case .server:
                unsafe nghttp2_session_server_new3(
                    &session, memory.serverCallbacks, owner, memory.options, allocator)
            case .client:
                unsafe nghttp2_session_client_new3(
                    &session, memory.clientCallbacks, owner, memory.options, allocator)
            }
        }
        unsafe self.table = table
        unsafe self.session = session
        guard result == 0 else {
            termination = .internalError
            return
        }
        // A stream that is slow leaves room for others.
        unsafe nghttp2_session_set_local_window_size(session, Self.noFlags, 0, window)
    }

    deinit {
        unsafe nghttp2_session_del(session)
    }

    /// Requests in flight.
    package final var streamCount: Int { streams.count }

    /// A header section has begun and not ended.
    package final var isWithinHead: Bool { guardian.isWithinHead }
    /// Neither preface nor first SETTINGS came yet.
    package final var isBeforeSettings: Bool { guardian.isBeforeSettings }

    /// Nothing has happened for a while: gives back what can be had again.
    package final func restMemory() {
        guard streams.isEmpty, let table = unsafe table else { return }
        unsafe memory.discardEmpty(table)
    }

    // MARK: Input

    /// Takes what the peer sent, however it is cut. Does nothing once terminated.
    package final func receive(_ input: Span<UInt8>, now: UInt64) {
        guardian.allowance.refill(now: now)
        var position = 0
        while position < input.count, termination == nil {
            switch guardian.next(input.extracting(position...), streams: self) {
            case .consumed(let count): position += count
            case .feed(let count):
                feed(input.extracting(position..<position + count))
                position += count
            case .feedHeader(let consumed):
                // The header came in pieces.
                let header = guardian.heldHeader
                feed(header.span)
                position += consumed
            case .terminate(let code): terminate(code)
            }
        }
    }

    private final func feed(_ bytes: Span<UInt8>) {
        if let headless {
            self.headless = nil
            refuse(headless, .contentBeforeHead)
        }
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe nghttp2_session_mem_recv(session, $0.baseAddress, $0.count)
        }
        if let fatal { return terminate(fatal) }
        guard result == bytes.count else {
            let isFlood = result == Int(NGHTTP2_ERR_FLOODED.rawValue)
            return terminate(isFlood ? .enhanceYourCalm : .internalError)
        }
        // What was given meanwhile, but also what the library found to say by itself: acknowledgements, resets, its
        // farewell.
        sendControl()
        if let fatal { terminate(fatal) }
    }

    final func charge(_ cost: Int) {
        if !guardian.allowance.charge(cost) { fatal = .enhanceYourCalm }
    }

    /// Ends the connection: GOAWAY, and no more input.
    package final func terminate(_ code: ErrorCode) {
        guard termination == nil else { return }
        termination = code
        unsafe nghttp2_session_terminate_session(session, code.rawValue)
        sendControl()
    }

    /// The library itself ended the session.
    final func terminatedByLibrary(_ code: UInt32) {
        guard code != 0, termination == nil else { return }
        termination = ErrorCode(rawValue: code) ?? .internalError
    }

    static let noFlags = UInt8(truncatingIfNeeded: NGHTTP2_FLAG_NONE.rawValue)
}

extension Session: GuardedStreams {
    func isOpen(_ streamID: Int32) -> Bool { stream(streamID) != nil }
    /// RFC 9113 §8.1: content has a head before it. The library would pass over it in silence.
    func contentComes(on streamID: Int32) {
        guard role == .client, let stream = stream(streamID), !stream.hasInboundHead else { return }
        // The guard is at work: what follows is done once it has judged.
        headless = stream
    }
    var ignoresNewStreams: Bool { sentFinalGoAway }
}
