// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP

/// Parses response heads from bytes, in pieces of any size, one after the other (RFC 9112 §4, §5, §6).
///
/// As strict as ``RequestParser`` in everything that affects framing or the end of a line: an ambiguous response can be
/// used for smuggling just as well. An informational response is complete like any other; the next call reads the one
/// that follows it.
///
/// What ``ResponseLeniency`` accepts besides that leaves the framing as it is: the head is rewritten as it should be, and
/// parsed again.
package struct ResponseParser: Sendable {
    private enum Phase: UInt8 {
        case start, emptyLineFeed, version, status, reason, reasonLineFeed, fields, repair
    }

    private let limits: HTTP1Limits
    private let leniency: ResponseLeniency
    /// Deviations in the current or last head that were accepted.
    package private(set) var tolerated = TolerationSet()
    /// There was a head before: an empty line may precede the next one.
    private var hasRead = false
    private var repair = SectionRepair.State.none
    private var phase = Phase.start
    private var position = 0
    private var section = FieldSection(at: 0)
    private var failure: HTTP1Error?

    package init(limits: HTTP1Limits = HTTP1Limits(), leniency: ResponseLeniency = .strict) {
        self.limits = limits
        self.leniency = leniency
    }

    /// Some of a head has arrived, and not all of it. An empty line before it is no part of it.
    package var isWithinHead: Bool {
        switch phase {
        case .start, .emptyLineFeed: false
        case .version: position > 0
        case .status, .reason, .reasonLineFeed, .fields, .repair: true
        }
    }

    /// Reads more of `input` into the same `head` until it is complete; the first byte of the next one resets it. The
    /// framing depends on `requestMethod` (RFC 9112 §6.3).
    package mutating func parseHead(
        _ input: Span<UInt8>, into head: inout ResponseHead, requestMethod: Method
    ) throws(HTTP1Error) -> HeadProgress {
        if let failure { throw failure }
        do throws(HTTP1Error) {
            return try advance(input, &head, requestMethod)
        } catch {
            failure = error
            throw error
        }
    }

    /// Discards a partial head and a failure.
    package mutating func reset() {
        phase = .start
        failure = nil
    }

    private mutating func advance(
        _ input: Span<UInt8>, _ head: inout ResponseHead, _ requestMethod: Method
    ) throws(HTTP1Error) -> HeadProgress {
        var consumed = 0
        if phase.rawValue <= Phase.emptyLineFeed.rawValue, !input.isEmpty {
            guard try begin(input, &consumed) else { return HeadProgress(consumed: consumed, isComplete: false) }
            head.reset()
        }
        // Separate from `head`, which is written while they are read.
        var bytes: [UInt8] = []
        swap(&bytes, &head.bytes)
        defer { swap(&bytes, &head.bytes) }
        while consumed < input.count {
            let step = min(input.count &- consumed, limits.headBytes &- bytes.count, copyStep)
            guard step > 0 else { throw .headTooLarge }
            bytes.append(input, consumed..<consumed &+ step)
            consumed &+= step
            let count = bytes.count
            if let end = try end(of: &bytes, &head, requestMethod) {
                phase = .start
                hasRead = true
                return HeadProgress(consumed: consumed &- (count &- end), isComplete: true)
            }
            if count >= limits.headBytes { throw .headTooLarge }
        }
        return HeadProgress(consumed: consumed, isComplete: false)
    }

    /// Before the first byte of a status line: skips one empty line after another response, which some apps send behind
    /// those that have no content. False if there is nothing else yet.
    private mutating func begin(_ input: Span<UInt8>, _ consumed: inout Int) throws(HTTP1Error) -> Bool {
        if phase == .start {
            tolerated = TolerationSet()
            if hasRead, leniency != .strict, input[0] == ByteClass.carriageReturn {
                consumed = 1
                phase = .emptyLineFeed
            }
        }
        if phase == .emptyLineFeed {
            guard consumed < input.count else { return false }
            guard input[consumed] == ByteClass.lineFeed else { throw .bareCR }
            consumed &+= 1
            tolerated.insert(.emptyLine)
        }
        position = 0
        phase = .version
        return true
    }

    /// Reads more of the head in `bytes`, and checks it when it is complete: returns how many of them are part of it.
    private mutating func end(
        of bytes: inout [UInt8], _ head: inout ResponseHead, _ requestMethod: Method
    ) throws(HTTP1Error) -> Int? {
        if phase != .repair {
            do throws(HTTP1Error) {
                guard try read(bytes.span, &head) else { return nil }
                let end = section.position
                let excess = bytes.count &- end
                if excess > 0 { bytes.removeLast(excess) }
                try finish(bytes.span, &head, requestMethod)
                return end
            } catch {
                guard SectionRepair.mayFollow(error, leniency) else { throw error }
                phase = .repair
                repair = .running(SectionRepair(leniency, isHead: true))
            }
        }
        return try endOfRepair(&bytes, &head, requestMethod)
    }

    private mutating func endOfRepair(
        _ bytes: inout [UInt8], _ head: inout ResponseHead, _ requestMethod: Method
    ) throws(HTTP1Error) -> Int? {
        guard case .running(var repair) = repair else { return nil }
        self.repair = .none
        let hasEnded = try repair.read(bytes.span)
        guard hasEnded else {
            self.repair = .running(repair)
            return nil
        }
        tolerated.formUnion(repair.tolerated)
        bytes = repair.output
        head.reset()
        position = 0
        phase = .version
        guard try read(bytes.span, &head), section.position == bytes.count else { throw .cutShort }
        try finish(bytes.span, &head, requestMethod)
        return repair.position
    }

    /// Reads more of the head's bytes; true at the end of the head.
    private mutating func read(_ bytes: Span<UInt8>, _ head: inout ResponseHead) throws(HTTP1Error) -> Bool {
        switch phase {
        case .start, .emptyLineFeed, .repair:
            preconditionFailure("advance() sets another phase first")
        case .version:
            guard let version = try VersionText.readVersion(bytes, from: 0, next: &position) else { return false }
            head.version = version
            phase = .status
            fallthrough
        case .status:
            guard try readStatus(bytes, &head.status) else { return false }
            phase = .reason
            fallthrough
        case .reason:
            position = ByteClass.endOfText(bytes, from: position)
            guard position < bytes.count else { return false }
            let byte = bytes[position]
            guard byte == ByteClass.carriageReturn else { throw FieldSection.refusal(ofControl: byte) }
            // After "HTTP/1.1 200 ", if there is that much.
            head.reason = position > 13 ? ByteRange(13..<position) : .empty
            position &+= 1
            phase = .reasonLineFeed
            fallthrough
        case .reasonLineFeed:
            guard position < bytes.count else { return false }
            guard bytes[position] == ByteClass.lineFeed else { throw .bareCR }
            section = FieldSection(at: position &+ 1)
            phase = .fields
            fallthrough
        case .fields:
            return try section.read(bytes, into: &head.fields, limits: limits)
        }
    }

    /// Reads ` 200 ` at its fixed position. The second space may be missing together with the reason phrase.
    private mutating func readStatus(_ bytes: Span<UInt8>, _ status: inout UInt16) throws(HTTP1Error) -> Bool {
        while position < bytes.count {
            let byte = bytes[position]
            switch position {
            case 8:
                guard byte == ByteClass.space else { throw .invalidStatusLine }
            case 9...11:
                guard ByteClass.isDigit(byte) else { throw .invalidStatusLine }
                status = status &* 10 &+ UInt16(byte & 15)
            default:
                // RFC 9110 §15.
                guard 100...599 ~= status || status > 599 && leniency == .tolerant else { throw .invalidStatus }
                if byte == ByteClass.carriageReturn { return true }
                guard byte == ByteClass.space else {
                    throw byte == ByteClass.lineFeed ? .bareLF : .invalidStatusLine
                }
                position &+= 1
                return true
            }
            position &+= 1
        }
        return false
    }

    /// RFC 9112 §6.3, and §9.3 for the connection.
    private mutating func finish(
        _ bytes: Span<UInt8>, _ head: inout ResponseHead, _ requestMethod: Method
    ) throws(HTTP1Error) {
        var framing = MessageFraming()
        var connection = ConnectionOptions()
        for field in head.fields {
            switch field.known {
            case .contentLength: try framing.addContentLength(bytes.extracting(field.value.range))
            case .transferEncoding: try framing.addTransferEncoding(bytes.extracting(field.value.range))
            case .connection: connection.add(bytes.extracting(field.value.range))
            case .date: head.hasDate = true
            case .setCookie, .clearSiteData: head.setsCookies = true
            case .wwwAuthenticate, .proxyAuthenticate:
                if ConnectionAuthentication.isOffered(in: bytes.extracting(field.value.range)) {
                    head.authenticatesConnection = true
                }
            // RFC 4559 §6, and the fields with which Microsoft's servers mark an authenticated connection.
            case .proxySupport, .persistentAuth: head.authenticatesConnection = true
            default: continue
            }
        }
        let said = try framing.combined(version: head.version)
        if head.status > 599 { tolerated.insert(.undefinedStatus) }
        head.nominatesFields = connection.nominatesFields
        head.isPersistent = connection.isPersistent(head.version)
        let isTunnel = requestMethod == .connect && 200...299 ~= head.status
        if head.status < 200 || head.status == 204 || isTunnel {
            head.framing = .none
            // RFC 9112 §6.1, RFC 9110 §8.6: these have neither field. An app that sends one may also send the content,
            // which must not be read as the next response.
            if let said, said != .length(0) { head.isPersistent = false }
        } else if requestMethod == .head || head.status == 304 {
            head.framing = .none
        } else if let said {
            head.framing = said
        } else {
            head.framing = .untilClose
            head.isPersistent = false
        }
    }
}
