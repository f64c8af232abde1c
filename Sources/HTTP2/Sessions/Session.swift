// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// One side of an HTTP/2 connection (RFC 9113) over libnghttp2, without input or output of its own: bytes in, events to
/// the handlers, bytes out. ``ServerSession`` and ``ClientSession`` add what is specific to each side.
///
/// Each frame is checked before the library sees it (``FrameGuard``), each field as it is decompressed
/// (``HeadBuilder``), and the library's output is taken after each frame. The end of a session is therefore detected at
/// once, and no more input is passed to it (CVE-2026-27135).
///
/// The sides override nothing here: each has its own callbacks in the library, so no frame is dispatched a second time.
@safe
package class Session {
    /// Why no more input is accepted; nil while the session is active.
    package private(set) final var termination: ErrorCode?
    /// Output to be sent.
    final var output: [UInt8] = []

    final let role: FrameGuard.Role
    final let memory: SessionMemory
    /// Concurrent requests.
    final let maximumStreams: Int
    final private(set) var session: OpaquePointer?
    /// The part of the library's memory that is only used while there are streams.
    private final var table: UnsafeMutableRawPointer?
    final var frameGuard: FrameGuard
    final var builder: HeadBuilder
    final var streams: [Stream] = []
    /// An error found by a callback that ends the whole connection.
    final var fatal: ErrorCode?
    /// Streams whose content has been sent.
    final var drained: [Stream] = []
    /// A stream on which content arrives before a head.
    final var headless: Stream?
    /// The final GOAWAY has been sent.
    package internal(set) final var sentFinalGoAway = false

    /// Content bytes that the streams may buffer together before flow control stops them.
    final let maximumHeld: Int
    final var heldBytes = 0
    /// Received on the connection but not acknowledged yet, since too much is buffered.
    final var owedBytes = 0

    /// - Parameters:
    ///   - window: the connection's flow control window.
    ///   - now: monotonic nanoseconds.
    init(
        _ role: FrameGuard.Role, maximumStreams: Int, maximumHeld: Int, head: HeadLimits, window: Int32,
        memory: SessionMemory, now: UInt64
    ) {
        self.role = role
        self.memory = memory
        self.maximumStreams = maximumStreams
        self.maximumHeld = maximumHeld
        frameGuard = FrameGuard(role, maximumStreams: maximumStreams, headBytes: head.bytes, now: now)
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
        // A slow stream leaves room for others.
        unsafe nghttp2_session_set_local_window_size(session, Self.noFlags, 0, window)
    }

    deinit {
        unsafe nghttp2_session_del(session)
    }

    /// Requests in flight.
    package final var streamCount: Int { streams.count }

    /// What has begun to arrive and has not ended.
    package final var openUnit: FrameGuard.OpenUnit? { frameGuard.openUnit }
    /// Bytes of content that have arrived on open streams.
    package internal(set) final var contentCount: UInt64 = 0
    /// Neither the preface nor the first SETTINGS have arrived.
    package final var isBeforeSettings: Bool { frameGuard.isBeforeSettings }

    /// Releases memory that can be allocated again, after a period without events.
    package final func releaseIdleMemory() {
        guard streams.isEmpty, let table = unsafe table else { return }
        unsafe memory.discardEmpty(table)
    }

    // MARK: Input

    /// Processes input from the peer, however it is divided. Does nothing after termination.
    package final func receive(_ input: Span<UInt8>, now: UInt64) {
        frameGuard.budget.refill(now: now)
        var position = 0
        while position < input.count, termination == nil {
            switch frameGuard.next(input.extracting(position...), streams: self) {
            case .consumed(let count): position += count
            case .feed(let count):
                feed(input.extracting(position..<position + count))
                position += count
            case .feedHeader(let consumed):
                // The header arrived in pieces.
                let header = frameGuard.heldHeader
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
        // Output from the handlers, and the library's own: acknowledgements, resets, GOAWAY.
        sendControl()
        if let fatal { terminate(fatal) }
    }

    final func charge(_ cost: Int) {
        if !frameGuard.budget.charge(cost) { fatal = .enhanceYourCalm }
    }

    /// Ends the connection: sends GOAWAY and accepts no more input.
    package final func terminate(_ code: ErrorCode) {
        guard termination == nil else { return }
        termination = code
        unsafe nghttp2_session_terminate_session(session, code.rawValue)
        sendControl()
    }

    /// The library ended the session.
    final func terminatedByLibrary(_ code: UInt32) {
        guard code != 0, termination == nil else { return }
        termination = ErrorCode(rawValue: code) ?? .internalError
    }

    static let noFlags = UInt8(truncatingIfNeeded: NGHTTP2_FLAG_NONE.rawValue)
}

extension Session: GuardedStreams {
    func isOpen(_ streamID: Int32) -> Bool { stream(streamID) != nil }
    /// RFC 9113 §8.1: content must follow a head. The library would silently ignore it.
    func dataFrameBegins(on streamID: Int32) {
        guard role == .client, let stream = stream(streamID), !stream.hasInboundHead else { return }
        // Only recorded here; handled once the guard has finished.
        headless = stream
    }
    var ignoresNewStreams: Bool { sentFinalGoAway }
}
