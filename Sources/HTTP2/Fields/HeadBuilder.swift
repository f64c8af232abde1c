// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Writes a message's header section as the text of an HTTP/1.1 head, field by field as they are decompressed (RFC 9113
/// §8.2, §8.3).
///
/// Rules specific to HTTP/2 are checked here, and nothing that could end a line gets into the text; everything else is
/// checked by the parser of HTTP/1.1 heads, so the gate sees no difference. Memory is bounded: an oversized section is
/// decompressed to the end, since later sections depend on the compression state, but not stored.
struct HeadBuilder {
    enum Kind {
        case none, request, response, trailers
        /// Only to keep the compression state up to date.
        case ignored
    }

    enum Outcome: Equatable {
        case request(RequestLine)
        case response(StatusLine)
        case trailers
        case malformed(MalformedHead)
        case tooLarge
    }

    /// What the session needs to know of a request whose text is complete.
    struct RequestLine: Equatable {
        var contentLength: UInt64?
        /// An extended CONNECT (RFC 8441), written as the equivalent upgrade.
        var isTunnel = false
    }

    /// What the session needs to know of a response whose text is complete.
    struct StatusLine: Equatable {
        var status: UInt16
        var contentLength: UInt64?
    }

    private(set) var kind = Kind.none
    /// The head's text; for trailers, their lines.
    var text: [UInt8] = []
    /// Bytes of names and values, plus 32 for each field (RFC 9113 §6.5.2).
    private(set) var size = 0
    /// Received compressed bytes of the section, by the frames' lengths.
    var compressedSize = 0

    /// Status codes to 999 and equal repeated lengths of responses are accepted; the parser of heads reports them.
    var isTolerant = false

    private let limits: HeadLimits
    /// Values of pseudo-header fields, until the request line can be written.
    private var pseudo: [UInt8] = []
    private var method: ByteRange?
    private var scheme: ByteRange?
    private var authority: ByteRange?
    private var path: ByteRange?
    private var tunnelProtocol: ByteRange?
    private var status: UInt16 = 0
    /// The text's first line has been written.
    private var hasStartLine = false
    private var hasHost = false
    private var line = RequestLine()
    private var fields = 0
    private var crumbs = 0
    /// The end of the Cookie line's value.
    private var cookieEnd = -1
    /// Cookie pairs that arrived after other fields had followed the Cookie line.
    private var lateCrumbs: [UInt8] = []
    private var fault: MalformedHead?
    private var isTooLarge = false

    init(limits: HeadLimits) {
        self.limits = limits
    }

    // MARK: A section

    /// - Parameter storage: memory for the text.
    mutating func begin(_ kind: Kind, storage: consuming [UInt8] = []) {
        self.kind = kind
        text = storage
        text.removeAll(keepingCapacity: true)
        size = 0
        compressedSize = 0
        method = nil
        scheme = nil
        authority = nil
        path = nil
        tunnelProtocol = nil
        status = 0
        hasStartLine = false
        hasHost = false
        line = RequestLine()
        fields = 0
        crumbs = 0
        cookieEnd = -1
        fault = nil
        isTooLarge = false
    }

    /// Adds a field. Returns false if the section is so large that the connection should end: decompressing highly
    /// compressed sections keeps the server busy.
    ///
    /// - Parameter tunnelKey: called once, for the key of the WebSocket handshake that an extended CONNECT becomes.
    mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>, tunnelKey: () -> [UInt8]) -> Bool {
        size += name.count + value.count + 32
        fields += 1
        if size > limits.bytes || fields > limits.fields + limits.crumbs { isTooLarge = true }
        guard size <= limits.bytes * 2, fields <= (limits.fields + limits.crumbs) * 2 else { return false }
        guard kind != .ignored, fault == nil, !isTooLarge else { return true }
        do throws(MalformedHead) {
            if name.count > 1, name[0] == UInt8(ascii: ":") {
                try addPseudo(name, value)
            } else {
                try FieldRules.check(name: name)
                try FieldRules.check(value: value)
                if kind == .trailers {
                    try addTrailer(name, value)
                } else {
                    if !hasStartLine { try writeStartLine(tunnelKey) }
                    try addField(name, value)
                }
            }
        } catch {
            fault = error
        }
        return true
    }

    /// The section is complete. The caller takes the text.
    mutating func finish(endsStream: Bool, tunnelKey: () -> [UInt8]) -> Outcome {
        if kind == .request || kind == .response, fault == nil, !isTooLarge {
            do throws(MalformedHead) {
                if !hasStartLine { try writeStartLine(tunnelKey) }
                // RFC 8441 §4: the stream is the tunnel, so it must not have ended.
                if line.isTunnel, endsStream { throw .endedTunnel }
                if kind == .request, endsStream, let length = line.contentLength, length > 0 {
                    throw .contentLengthDiffers
                }
                if !lateCrumbs.isEmpty { text.insert(contentsOf: lateCrumbs, at: cookieEnd) }
                text.append("\r\n")
            } catch {
                fault = error
            }
        }
        defer {
            kind = .none
            pseudo.removeAll(keepingCapacity: pseudo.capacity <= 256)
            lateCrumbs = []
        }
        if let fault { return .malformed(fault) }
        if isTooLarge { return .tooLarge }
        switch kind {
        case .trailers, .ignored, .none: return .trailers
        case .request: return .request(line)
        case .response: return .response(StatusLine(status: status, contentLength: line.contentLength))
        }
    }

    // MARK: Pseudo-header fields (RFC 9113 §8.3)

    private mutating func addPseudo(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(MalformedHead) {
        if kind == .trailers { throw .pseudoFieldInTrailers }
        if hasStartLine { throw .pseudoFieldAfterField }
        if kind == .response {
            // RFC 9113 §8.3.2: the only one of a response.
            guard name.equals(":status") else { throw .unknownPseudoField }
            return try setStatus(value)
        }
        let range = ByteRange(pseudo.count..<pseudo.count + value.count)
        switch name.count {
        case 5 where name.equals(":path"): try Self.set(&path, range)
        case 7 where name.equals(":method"): try Self.set(&method, range)
        case 7 where name.equals(":scheme"): try Self.set(&scheme, range)
        case 9 where name.equals(":protocol"): try Self.set(&tunnelProtocol, range)
        case 10 where name.equals(":authority"): try Self.set(&authority, range)
        default: throw .unknownPseudoField
        }
        pseudo.append(copying: value)
    }

    private static func set(_ place: inout ByteRange?, _ range: ByteRange) throws(MalformedHead) {
        guard place == nil else { throw .repeatedPseudoField }
        place = range
    }

    private mutating func setStatus(_ value: Span<UInt8>) throws(MalformedHead) {
        guard status == 0 else { throw .repeatedPseudoField }
        guard value.count == 3 else { throw .invalidStatus }
        for index in value.indices {
            guard 0x30...0x39 ~= value[index] else { throw .invalidStatus }
            status = status * 10 + UInt16(value[index] & 15)
        }
        // RFC 9110 §15; RFC 9113 §8.6: there is no 101.
        guard 100...(isTolerant ? 999 : 599) ~= status, status != 101 else { throw .invalidStatus }
    }

    /// All pseudo-header fields have been read.
    private mutating func writeStartLine(_ tunnelKey: () -> [UInt8]) throws(MalformedHead) {
        hasStartLine = true
        guard kind == .response else { return try writeRequestLine(tunnelKey) }
        guard status != 0 else { throw .missingPseudoField }
        text.append("HTTP/1.1 ")
        for divisor: UInt16 in [100, 10, 1] { text.append(UInt8(truncatingIfNeeded: 0x30 + status / divisor % 10)) }
        text.append(" \r\n")
    }

    /// `GET /path HTTP/1.1` and Host.
    private mutating func writeRequestLine(_ tunnelKey: () -> [UInt8]) throws(MalformedHead) {
        guard let method else { throw .missingPseudoField }
        // Separate from the text, which is written while they are read.
        var bytes: [UInt8] = []
        swap(&bytes, &pseudo)
        defer { swap(&bytes, &pseudo) }
        let values = bytes.span
        let methodName = values.extracting(method.range)
        guard FieldRules.isVisible(methodName) else { throw .invalidMethod }
        for index in methodName.indices where !Token.contains(methodName[index]) { throw .invalidMethod }
        let isConnect = methodName.equals("CONNECT")
        if let authority, !FieldRules.isVisible(values.extracting(authority.range)) { throw .invalidAuthority }
        if isConnect, tunnelProtocol == nil {
            // RFC 9113 §8.5.
            guard let authority else { throw .missingPseudoField }
            guard scheme == nil, path == nil else { throw .pseudoFieldNotAllowed }
            text.append("CONNECT ")
            text.append(copying: values.extracting(authority.range))
        } else {
            if tunnelProtocol != nil, !isConnect { throw .pseudoFieldNotAllowed }
            guard let scheme, let path else { throw .missingPseudoField }
            let schemeName = values.extracting(scheme.range)
            guard schemeName.equalsIgnoringCase("https") || schemeName.equalsIgnoringCase("http") else {
                throw .invalidScheme
            }
            // RFC 9113 §8.3.1: never empty; "*" for OPTIONS alone.
            let target = values.extracting(path.range)
            guard FieldRules.isVisible(target) else { throw .invalidPath }
            guard target[0] == UInt8(ascii: "/") || target.equals("*") && methodName.equals("OPTIONS") else {
                throw .invalidPath
            }
            // RFC 8441 §5: HTTP/1.1 uses GET.
            if isConnect { text.append("GET") } else { text.append(copying: methodName) }
            text.append(0x20)
            text.append(copying: target)
        }
        text.append(" HTTP/1.1\r\n")
        if let authority {
            text.append("host: ")
            text.append(copying: values.extracting(authority.range))
            text.append("\r\n")
        }
        if let tunnelProtocol {
            line.isTunnel = true
            let name = values.extracting(tunnelProtocol.range)
            guard FieldRules.isVisible(name) else { throw .unknownPseudoField }
            text.append("connection: upgrade\r\nupgrade: ")
            text.append(copying: name)
            text.append("\r\nsec-websocket-key: ")
            text.append(contentsOf: tunnelKey())
            text.append("\r\n")
        }
    }

    // MARK: Fields

    private mutating func addField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(MalformedHead) {
        switch KnownField(name) {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade:
            // RFC 9113 §8.2.2.
            throw .connectionSpecificField
        case .te where kind == .request:
            guard value.equalsIgnoringCase("trailers") else { throw .invalidTE }
        case .host where kind == .request:
            if hasHost { throw .repeatedHost }
            hasHost = true
            if let authority {
                // RFC 9113 §8.3.1: they must not differ; it is already in the text.
                guard value.equalsFoldingCase(pseudo.span.extracting(authority.range)) else { throw .differentHost }
                return
            }
        case .contentLength:
            let length = try Self.length(value)
            if let first = line.contentLength, !isTolerant || length != first { throw .repeatedContentLength }
            line.contentLength = length
        case .cookie where kind == .request:
            return addCrumb(value)
        case .other where line.isTunnel && name.equals("sec-websocket-key"):
            // RFC 8441 §5: not used with HTTP/2. Sidegate's key takes its place.
            return
        default:
            break
        }
        text.append(copying: name)
        text.append(": ")
        text.append(copying: value)
        text.append("\r\n")
    }

    /// RFC 9113 §8.2.3: cookies may be split into several fields for better compression; they are joined to one.
    private mutating func addCrumb(_ value: Span<UInt8>) {
        crumbs += 1
        // A cookie in several parts is one field.
        if crumbs > 1 { fields -= 1 }
        guard crumbs <= limits.crumbs else {
            isTooLarge = true
            return
        }
        if cookieEnd < 0 {
            text.append("cookie: ")
            text.append(copying: value)
            cookieEnd = text.count
            text.append("\r\n")
        } else if cookieEnd + 2 == text.count {
            text.removeLast(2)
            text.append("; ")
            text.append(copying: value)
            cookieEnd = text.count
            text.append("\r\n")
        } else {
            lateCrumbs.append("; ")
            lateCrumbs.append(copying: value)
        }
    }

    private mutating func addTrailer(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(MalformedHead) {
        switch KnownField(name) {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: throw .connectionSpecificField
        default: break
        }
        text.append(copying: name)
        text.append(": ")
        text.append(copying: value)
        text.append("\r\n")
    }

    /// RFC 9110 §8.6, digits only, as for HTTP/1.1.
    private static func length(_ value: Span<UInt8>) throws(MalformedHead) -> UInt64 {
        guard !value.isEmpty else { throw .invalidContentLength }
        var length: UInt64 = 0
        for index in value.indices {
            let digit = value[index] &- 0x30
            guard digit < 10, length <= (UInt64(Int64.max) &- UInt64(digit)) / 10 else { throw .invalidContentLength }
            length = length &* 10 &+ UInt64(digit)
        }
        return length
    }
}

/// Limits on the size of a header section.
package struct HeadLimits: Sendable {
    /// Names and values, plus 32 for each field.
    package var bytes: Int
    /// Fields, with all parts of a cookie counted as one.
    package var fields: Int
    /// Parts of a cookie.
    package var crumbs: Int

    package init(bytes: Int = 32_768, fields: Int = 200, crumbs: Int = 200) {
        self.bytes = bytes
        self.fields = fields
        self.crumbs = crumbs
    }
}
