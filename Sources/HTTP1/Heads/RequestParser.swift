// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Parses request heads from bytes, in pieces of any size, one after the other (RFC 9112 §3, §5, §6).
///
/// A head is copied into `head.bytes` as it arrives, so it does not depend on the input. Every byte is read once, and a
/// fault is detected at the first invalid byte, however the input is divided. Anything that two parsers could read
/// differently is an error; after it, each call throws the same error, since the start of the next request is unknown.
package struct RequestParser: Sendable {
    private enum Phase: UInt8 {
        case start, emptyLineFeed, method, path, query, version, fields
    }

    private let limits: HTTP1Limits
    private var phase = Phase.start
    /// The next byte of the request line to read, in `head.bytes`, and the start of its current part.
    private var position = 0
    private var partStart = 0
    private var queryMark: Int?
    private var section = FieldSection(at: 0)
    private var failure: HTTP1Error?

    package init(limits: HTTP1Limits = HTTP1Limits()) {
        self.limits = limits
    }

    /// Reads more of `input` into the same `head` until it is complete; the first byte of the next one resets it.
    package mutating func parseHead(
        _ input: Span<UInt8>, into head: inout RequestHead
    ) throws(HTTP1Error) -> HeadProgress {
        if let failure { throw failure }
        do throws(HTTP1Error) {
            return try advance(input, &head)
        } catch {
            failure = error
            throw error
        }
    }

    /// Reads a head whose text is already complete in `head.bytes`; the rest of `head` is as after `reset()`.
    package mutating func readWhole(_ head: inout RequestHead) throws(HTTP1Error) {
        phase = .method
        position = 0
        partStart = 0
        queryMark = nil
        var bytes: [UInt8] = []
        swap(&bytes, &head.bytes)
        defer { swap(&bytes, &head.bytes) }
        guard try read(bytes.span, &head), section.position == bytes.count else { throw .cutShort }
        try finish(&bytes, &head)
        phase = .start
    }

    /// Discards a partial head and a failure.
    package mutating func reset() {
        phase = .start
        failure = nil
    }

    private mutating func advance(
        _ input: Span<UInt8>, _ head: inout RequestHead
    ) throws(HTTP1Error) -> HeadProgress {
        var consumed = 0
        if phase.rawValue < Phase.method.rawValue { consumed = try begin(input, &head) }
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
                try finish(&bytes, &head)
                phase = .start
                return HeadProgress(consumed: consumed &- excess, isComplete: true)
            }
            if bytes.count >= limits.headBytes {
                throw phase == .fields ? .headTooLarge : .targetTooLong
            }
        }
        return HeadProgress(consumed: consumed, isComplete: false)
    }

    /// Before the first byte of a request line; returns the number of bytes skipped.
    private mutating func begin(_ input: Span<UInt8>, _ head: inout RequestHead) throws(HTTP1Error) -> Int {
        var index = 0
        // RFC 9112 §2.2: one empty line, and no more, is ignored, for clients that send an extra CRLF after content.
        if phase == .start, index < input.count, input[index] == ByteClass.carriageReturn {
            index += 1
            phase = .emptyLineFeed
        }
        if phase == .emptyLineFeed {
            guard index < input.count else { return index }
            guard input[index] == ByteClass.lineFeed else { throw .bareCR }
            index += 1
        } else if input.isEmpty {
            return 0
        }
        phase = .method
        head.reset()
        position = 0
        partStart = 0
        queryMark = nil
        return index
    }

    /// Reads more of the head's bytes; true at the end of the head.
    private mutating func read(_ bytes: Span<UInt8>, _ head: inout RequestHead) throws(HTTP1Error) -> Bool {
        switch phase {
        case .start, .emptyLineFeed:
            preconditionFailure("begin() comes first")
        case .method:
            guard try readMethod(bytes, &head) else { return false }
            phase = .path
            fallthrough
        case .path:
            guard try readPath(bytes) else { return false }
            phase = .query
            fallthrough
        case .query:
            guard try readQuery(bytes, &head) else { return false }
            phase = .version
            fallthrough
        case .version:
            guard let version = try VersionText.read(bytes, from: partStart, next: &position) else {
                return false
            }
            head.version = version
            try RequestTarget.read(bytes, in: &head, queryMark: queryMark, limits: limits)
            section = FieldSection(at: position)
            phase = .fields
            fallthrough
        case .fields:
            return try section.read(bytes, into: &head.fields, limits: limits)
        }
    }

    private mutating func readMethod(_ bytes: Span<UInt8>, _ head: inout RequestHead) throws(HTTP1Error) -> Bool {
        position = ByteClass.endOfToken(bytes, from: position)
        if position > limits.methodBytes { throw .methodTooLong }
        guard position < bytes.count else { return false }
        switch bytes[position] {
        case ByteClass.space where position > 0: break
        case 0: throw .nul
        default: throw .invalidMethod
        }
        guard let method = Method(name: bytes.extracting(0..<position)) else { throw .invalidMethod }
        head.method = method
        head.methodName = ByteRange(0..<position)
        position &+= 1
        partStart = position
        return true
    }

    /// Reads the target up to its `?` or its end.
    private mutating func readPath(_ bytes: Span<UInt8>) throws(HTTP1Error) -> Bool {
        position = ByteClass.endOfTarget(bytes, from: position, stopsAtQuery: true)
        guard position < bytes.count else { return false }
        if bytes[position] == UInt8(ascii: "?") {
            queryMark = position
            position &+= 1
        }
        return true
    }

    private mutating func readQuery(_ bytes: Span<UInt8>, _ head: inout RequestHead) throws(HTTP1Error) -> Bool {
        // Without a query the position is the target's end, and nothing is skipped.
        position = ByteClass.endOfTarget(bytes, from: position, stopsAtQuery: false)
        guard position < bytes.count else { return false }
        switch bytes[position] {
        case ByteClass.space where position > partStart: break
        case 0: throw .nul
        case UInt8(ascii: "#"): throw .fragmentInTarget
        // RFC 9112 §3: a request line without a version is HTTP/0.9's.
        case ByteClass.carriageReturn, ByteClass.lineFeed: throw .invalidVersion
        default: throw .invalidTarget
        }
        head.target = ByteRange(partStart..<position)
        position &+= 1
        partStart = position
        return true
    }

    /// Checks the fields together.
    private func finish(_ bytes: inout [UInt8], _ head: inout RequestHead) throws(HTTP1Error) {
        var meaning = RequestMeaning()
        try meaning.read(head.fields, of: bytes.span)
        let framing = try meaning.framing.combined(version: head.version)
        head.framing = framing ?? .none
        head.isPersistent = meaning.connection.isPersistent(head.version)
        head.nominatesFields = meaning.connection.nominatesFields
        head.authenticatesConnection = meaning.authenticatesConnection
        if head.version == .http11 {
            // RFC 9112 §3.2.
            if meaning.host == nil { throw .missingHost }
            head.wantsUpgrade = meaning.connection.upgrade && meaning.hasUpgrade
            // RFC 9110 §10.1.1: ignored without content and in HTTP/1.0.
            head.expectsContinue = meaning.expectsContinue && framing != nil && framing != .length(0)
        }
        // RFC 9112 §3.2.2: the Host of an absolute target is ignored.
        if head.targetForm != .absolute, head.targetForm != .authority, let host = meaning.host {
            head.authority = host
        }
        if head.targetForm == .absolute, head.path.isEmpty {
            // RFC 9110 §4.2.3: an empty path is the path "/".
            head.path = ByteRange(bytes.count..<bytes.count + 1)
            bytes.append(UInt8(ascii: "/"))
        }
    }
}
