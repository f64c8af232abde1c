// SPDX-License-Identifier: Apache-2.0

/// The session's interface for the guard.
protocol GuardedStreams: AnyObject {
    /// Whether the stream is neither idle nor closed.
    func isOpen(_ streamID: Int32) -> Bool
    /// DATA is about to be read on an open stream. Called while the guard is working: to be recorded only.
    func dataFrameBegins(on streamID: Int32)
    /// The final GOAWAY has been sent.
    var ignoresNewStreams: Bool { get }
}

/// Checks the preface and each frame's header before libnghttp2 does, for faults that it does not detect: frames on
/// closed streams, an invalid preface, and excessive numbers of frames (RFC 9113 §3.4, §5.1, §10.5).
package struct FrameGuard {
    /// Which side of the connection Sidegate is.
    enum Role {
        case server, client
    }

    enum Step {
        /// This many bytes need not be passed to the library.
        case consumed(Int)
        /// This many bytes are for the library.
        case feed(Int)
        /// ``heldHeader`` is for the library; it ends after this many bytes of the input.
        case feedHeader(Int)
        case terminate(ErrorCode)
    }

    private enum Phase {
        case preface, header
        /// Within a frame: its remaining bytes, and whether the library gets them.
        case frame(remaining: Int, isFed: Bool)
    }

    var budget: AbuseBudget
    var closed: ClosedStreams
    /// The newest stream opened by the client.
    private(set) var lastStreamID: Int32 = 0
    private(set) var heldHeader = InlineArray<9, UInt8>(repeating: 0)

    private let role: Role
    private let maximumStreams: Int
    private let headBytes: Int
    private var phase: Phase
    /// Frames so far; a header section counts as one.
    private var unitNumber: UInt32 = 0
    /// The kind of the latest frame.
    private(set) var latestKind: FrameKind?
    /// Received bytes of the preface, or of ``heldHeader``.
    private var held = 0
    private var hasSettings = false
    /// The client ends the connection after the requests in flight (GOAWAY).
    private(set) var peerIsLeaving = false
    /// The peer has not acknowledged Sidegate's SETTINGS yet, and may not know them.
    private(set) var awaitsAcknowledgement = true
    /// The stream of the header section being read.
    private var sectionStream: Int32 = 0
    private var sectionFrames = 0
    private var sectionBytes = 0

    init(_ role: Role, maximumStreams: Int, headBytes: Int, now: UInt64) {
        self.role = role
        budget = AbuseBudget(now: now)
        closed = ClosedStreams(maximumReset: maximumStreams * 2)
        self.maximumStreams = maximumStreams
        self.headBytes = headBytes
        // A server's preface is its SETTINGS alone (RFC 9113 §3.4).
        phase = role == .server ? .preface : .header
    }

    /// Sidegate opened a stream.
    mutating func opened(_ streamID: Int32) {
        lastStreamID = max(lastStreamID, streamID)
    }

    /// What has begun to arrive and has not ended.
    package enum OpenUnit: Equatable, Sendable {
        /// The preface, a frame, or a header section, by its number.
        case frame(UInt32)
        /// DATA.
        case data(UInt32)
    }

    var openUnit: OpenUnit? {
        if sectionStream != 0 { return .frame(unitNumber) }
        switch phase {
        case .preface: return held > 0 ? .frame(unitNumber) : nil
        case .header: return held > 0 ? .frame(unitNumber &+ 1) : nil
        case .frame: return latestKind == .data ? .data(unitNumber) : .frame(unitNumber)
        }
    }

    var isBeforeSettings: Bool { !hasSettings }
    /// Compressed bytes of the header section being read.
    var compressedSize: Int { sectionBytes }

    /// Sidegate's SETTINGS. The library does not know them: the session enforces the limit on streams as a stream
    /// error, where the library would end the connection; the other values are the library's defaults or irrelevant to
    /// it.
    func appendSettings(to output: inout [UInt8]) {
        let settings: [(UInt16, UInt32)] = [
            (0x3, UInt32(clamping: maximumStreams)),  // SETTINGS_MAX_CONCURRENT_STREAMS
            (0x6, UInt32(clamping: headBytes)),  // SETTINGS_MAX_HEADER_LIST_SIZE
            (0x8, 1),  // SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441
            (0x9, 1),  // SETTINGS_NO_RFC7540_PRIORITIES, RFC 9218
        ]
        output += [0, 0, UInt8(settings.count * 6), FrameKind.settings.rawValue, 0, 0, 0, 0, 0]
        for (name, value) in settings {
            output += [UInt8(truncatingIfNeeded: name >> 8), UInt8(truncatingIfNeeded: name)]
            for shift in [24, 16, 8, 0] { output.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
        }
    }

    /// What to do with the next bytes; there is at least one.
    mutating func next(_ input: Span<UInt8>, streams: some GuardedStreams) -> Step {
        switch phase {
        case .preface:
            return readPreface(input)
        case .header:
            if held == 0, input.count >= FrameHeader.byteCount {
                let header = FrameHeader(input)
                let verdict = judge(header, streams)
                if case .terminate(let code) = verdict { return .terminate(code) }
                let whole = FrameHeader.byteCount + header.length
                let count = min(whole, input.count)
                begin(remaining: whole - count, isFed: verdict.isFed)
                return verdict.isFed ? .feed(count) : .consumed(count)
            }
            var count = 0
            while held < FrameHeader.byteCount, count < input.count {
                heldHeader[held] = input[count]
                held += 1
                count += 1
            }
            guard held == FrameHeader.byteCount else { return .consumed(count) }
            held = 0
            let bytes = heldHeader
            let header = FrameHeader(bytes.span)
            let verdict = judge(header, streams)
            if case .terminate(let code) = verdict { return .terminate(code) }
            begin(remaining: header.length, isFed: verdict.isFed)
            return verdict.isFed ? .feedHeader(count) : .consumed(count)
        case .frame(let remaining, let isFed):
            let count = min(remaining, input.count)
            begin(remaining: remaining - count, isFed: isFed)
            return isFed ? .feed(count) : .consumed(count)
        }
    }

    private mutating func begin(remaining: Int, isFed: Bool) {
        phase = remaining > 0 ? .frame(remaining: remaining, isFed: isFed) : .header
    }

    private mutating func readPreface(_ input: Span<UInt8>) -> Step {
        var count = 0
        while held < Self.preface.utf8CodeUnitCount, count < input.count {
            guard input[count] == (unsafe Self.preface.utf8Start[held]) else { return .terminate(.protocolError) }
            held += 1
            count += 1
        }
        if held == Self.preface.utf8CodeUnitCount {
            held = 0
            phase = .header
        }
        return .consumed(count)
    }

    // MARK: Checks

    private enum Verdict {
        case feed, drop
        case terminate(ErrorCode)

        var isFed: Bool { if case .feed = self { true } else { false } }
    }

    private mutating func judge(_ header: FrameHeader, _ streams: some GuardedStreams) -> Verdict {
        if sectionStream == 0 { unitNumber &+= 1 }
        // RFC 9113 §4.2: Sidegate's SETTINGS_MAX_FRAME_SIZE is the initial value.
        if header.length > 16_384 { return .terminate(.frameSizeError) }
        if !hasSettings {
            // RFC 9113 §3.4.
            guard header.kind == .settings, !header.isAcknowledgement else { return .terminate(.protocolError) }
            hasSettings = true
            return .feed
        }
        if sectionStream != 0 {
            // RFC 9113 §6.2, §6.10: no other frame may come in between.
            guard header.kind == .continuation, header.streamID == sectionStream else {
                return .terminate(.protocolError)
            }
            return continuation(header)
        }
        latestKind = header.kind
        guard let kind = header.kind else { return charged(AbuseBudget.unknownFrame, .feed) }
        if lacksMandatoryBytes(header) { return .terminate(.frameSizeError) }
        switch kind {
        case .data: return data(header, streams)
        case .headers: return headers(header, streams)
        case .continuation: return .terminate(.protocolError)
        case .priority:
            return charged(AbuseBudget.priority, isClosed(header, streams) ? .drop : .feed)
        case .resetStream:
            // A server can do so only once for each request it gets.
            return onStream(header, streams, cost: role == .server ? AbuseBudget.reset : 0)
        case .windowUpdate:
            guard header.streamID != 0 else { return charged(AbuseBudget.windowUpdate, .feed) }
            return onStream(header, streams, cost: AbuseBudget.windowUpdate)
        case .settings: return settings(header)
        case .ping:
            guard !header.isAcknowledgement else { return charged(1, .feed) }
            return budget.chargePing() ? .feed : .terminate(.enhanceYourCalm)
        case .goAway: return goAway(header)
        case .pushPromise: return .terminate(.protocolError)
        }
    }

    /// RFC 9113 §4.2; the library only detects faulty padding.
    private func lacksMandatoryBytes(_ header: FrameHeader) -> Bool {
        guard header.kind == .data || header.kind == .headers else { return false }
        let priority = header.kind == .headers && header.flags & 0x20 != 0 ? 5 : 0
        return header.length < priority + (header.flags & 0x8 != 0 ? 1 : 0)
    }

    private mutating func charged(_ cost: Int, _ verdict: Verdict) -> Verdict {
        budget.charge(cost) ? verdict : .terminate(.enhanceYourCalm)
    }

    /// A stream opened by the peer that is closed now.
    private func isClosed(_ header: FrameHeader, _ streams: some GuardedStreams) -> Bool {
        header.streamID > 0 && header.streamID & 1 == 1 && header.streamID <= lastStreamID
            && !streams.isOpen(header.streamID)
    }

    private mutating func data(_ header: FrameHeader, _ streams: some GuardedStreams) -> Verdict {
        if header.length == 0, !header.endsStream, !budget.charge(AbuseBudget.emptyFrame) {
            return .terminate(.enhanceYourCalm)
        }
        guard isClosed(header, streams) else {
            streams.dataFrameBegins(on: header.streamID)
            return .feed
        }
        guard closed.wasReset(header.streamID) else { return .terminate(.streamClosed) }
        return charged(AbuseBudget.closedStream, .feed)
    }

    private mutating func headers(_ header: FrameHeader, _ streams: some GuardedStreams) -> Verdict {
        if isClosed(header, streams) {
            guard closed.wasReset(header.streamID) else {
                // RFC 9113 §5.1.1: a stream identifier is used once, and skipped ones are never used.
                return .terminate(closed.wasRecentlyClosed(header.streamID) ? .streamClosed : .protocolError)
            }
            if !budget.charge(AbuseBudget.closedStream) { return .terminate(.enhanceYourCalm) }
        } else if header.streamID > lastStreamID || header.streamID & 1 == 0 {
            // RFC 9113 §5.1: a response without a request.
            guard role == .server else { return .terminate(.protocolError) }
            if header.streamID & 1 == 1 {
                lastStreamID = header.streamID
                // The library ignores streams opened after the final GOAWAY.
                if streams.ignoresNewStreams { closed.noteReset(header.streamID) }
            }
        }
        if header.length == 0, !budget.charge(AbuseBudget.emptyFrame) { return .terminate(.enhanceYourCalm) }
        sectionFrames = 0
        sectionBytes = header.length
        if !header.endsHeaders { sectionStream = header.streamID }
        return .feed
    }

    private mutating func continuation(_ header: FrameHeader) -> Verdict {
        sectionFrames += 1
        sectionBytes += header.length
        if header.endsHeaders { sectionStream = 0 }
        // CVE-2024-27316, CVE-2024-28182. A compressed section is hardly ever larger than the original.
        if sectionFrames > Self.maximumContinuations || sectionBytes > headBytes * 2 {
            return .terminate(.enhanceYourCalm)
        }
        return charged(header.length == 0 ? AbuseBudget.emptyFrame : AbuseBudget.continuation, .feed)
    }

    /// RST_STREAM and WINDOW_UPDATE, which may arrive on a stream that has ended without the peer's knowledge.
    private mutating func onStream(_ header: FrameHeader, _ streams: some GuardedStreams, cost: Int) -> Verdict {
        guard isClosed(header, streams) else { return charged(cost, .feed) }
        // RFC 9113 §6.4, §6.9: their sizes are fixed on every stream.
        if header.length != 4 { return .terminate(.frameSizeError) }
        return charged(AbuseBudget.closedStream, .drop)
    }

    private mutating func settings(_ header: FrameHeader) -> Verdict {
        guard header.isAcknowledgement, header.streamID == 0 else { return charged(AbuseBudget.settings, .feed) }
        // RFC 9113 §6.5.
        if header.length != 0 { return .terminate(.frameSizeError) }
        if awaitsAcknowledgement {
            awaitsAcknowledgement = false
            // The library knows a client's own streams.
            return role == .server ? .drop : .feed
        }
        return charged(AbuseBudget.settings, .drop)
    }

    private mutating func goAway(_ header: FrameHeader) -> Verdict {
        guard role == .server else { return charged(AbuseBudget.settings, .feed) }
        if header.streamID != 0 { return .terminate(.protocolError) }
        // RFC 9113 §6.8: the last stream and a code; text may follow.
        if header.length < 8 { return .terminate(.frameSizeError) }
        peerIsLeaving = true
        // A server begins no streams, so it says nothing about those there are. The library would stop to answer.
        return charged(AbuseBudget.settings, .drop)
    }

    package static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    /// More than any section of an accepted size needs; the library has the same limit.
    private static let maximumContinuations = 8
}
