// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Parses response heads from bytes, in pieces of any size, one after the other (RFC 9112 §4, §5, §6).
///
/// As strict as ``RequestParser`` in everything that affects framing or the end of a line: an ambiguous response can be
/// used for smuggling just as well. An informational response is complete like any other; the next call reads the one
/// that follows it.
package struct ResponseParser: Sendable {
    private enum Phase: UInt8 {
        case start, version, status, reason, reasonLineFeed, fields
    }

    private let limits: HTTP1Limits
    private var phase = Phase.start
    private var position = 0
    private var section = FieldSection(at: 0)
    private var failure: HTTP1Error?

    package init(limits: HTTP1Limits = HTTP1Limits()) {
        self.limits = limits
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
        if phase == .start, !input.isEmpty {
            head.reset()
            position = 0
            phase = .version
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
            if try read(bytes.span, &head) {
                let excess = bytes.count &- section.position
                if excess > 0 { bytes.removeLast(excess) }
                try finish(bytes.span, &head, requestMethod)
                phase = .start
                return HeadProgress(consumed: consumed &- excess, isComplete: true)
            }
            if bytes.count >= limits.headBytes { throw .headTooLarge }
        }
        return HeadProgress(consumed: consumed, isComplete: false)
    }

    /// Reads more of the head's bytes; true at the end of the head.
    private mutating func read(_ bytes: Span<UInt8>, _ head: inout ResponseHead) throws(HTTP1Error) -> Bool {
        switch phase {
        case .start:
            preconditionFailure("advance() sets the next phase first")
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
                guard 100...599 ~= status else { throw .invalidStatus }
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
    private func finish(_ bytes: Span<UInt8>, _ head: inout ResponseHead, _ requestMethod: Method) throws(HTTP1Error) {
        var framing = MessageFraming()
        var connection = ConnectionOptions()
        for field in head.fields {
            switch field.known {
            case .contentLength: try framing.addContentLength(bytes.extracting(field.value.range))
            case .transferEncoding: try framing.addTransferEncoding(bytes.extracting(field.value.range))
            case .connection: connection.add(bytes.extracting(field.value.range))
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
