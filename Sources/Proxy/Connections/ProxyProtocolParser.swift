// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What a proxy reports about a connection before its first byte: the PROXY protocol, versions 1 and 2
/// (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt).
package enum ProxyProtocolHeader: Equatable {
    /// The proxy's own connection (a health check), or one whose client it does not know.
    case local
    case client(IPAddress, destinationPort: UInt16, isSecure: Bool)
}

/// Reads a PROXY protocol header, byte by byte if need be, and nothing of what follows it.
package struct ProxyProtocolParser {
    /// Not allowed by the protocol, or longer than what is read: the connection cannot be served.
    package struct Malformed: Error, CustomStringConvertible {
        package var description: String { "not a PROXY protocol header" }
    }

    private var bytes: [UInt8] = []

    package init() {}

    /// Takes bytes off the front of `input`: how many, and the header once it is whole.
    package mutating func take(_ input: Span<UInt8>) throws(Malformed) -> (count: Int, header: ProxyProtocolHeader?) {
        var count = 0
        while count < input.count {
            let wanted = try wantedByteCount()
            let end = min(input.count, count + wanted)
            bytes.append(span: input.extracting(count..<end))
            count = end
            if let header = try header() { return (count, header) }
        }
        return (count, nil)
    }

    /// How many bytes certainly belong to the header; at least 1.
    private func wantedByteCount() throws(Malformed) -> Int {
        guard isBinary else { return 1 }
        guard bytes.count >= Self.fixedLength else { return Self.fixedLength - bytes.count }
        return Self.fixedLength + addressLength - bytes.count
    }

    private var isBinary: Bool { bytes.count >= Self.signature.count && bytes.starts(with: Self.signature) }

    private var addressLength: Int { Int(bytes[14]) << 8 | Int(bytes[15]) }

    /// The header when it is whole; nil while it may become one.
    private func header() throws(Malformed) -> ProxyProtocolHeader? {
        if isBinary {
            guard bytes.count >= Self.fixedLength else { return nil }
            guard addressLength <= Self.maximumAddressLength else { throw Malformed() }
            return bytes.count < Self.fixedLength + addressLength ? nil : try Self.binary(bytes)
        }
        let expected = bytes.first == Self.signature.first ? Self.signature : Self.textStart
        guard zip(bytes, expected).allSatisfy({ $0 == $1 }) else { throw Malformed() }
        guard bytes.last == UInt8(ascii: "\n") && expected == Self.textStart else {
            guard bytes.count < Self.maximumTextLength else { throw Malformed() }
            return nil
        }
        return try Self.text(bytes)
    }

    // MARK: Version 1, section 2.1

    private static func text(_ line: [UInt8]) throws(Malformed) -> ProxyProtocolHeader {
        guard line.count >= textStart.count + 2, line[line.count - 2] == UInt8(ascii: "\r") else { throw Malformed() }
        let words = line[textStart.count..<(line.count - 2)].split(
            separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard let family = words.first else { throw Malformed() }
        // The rest of the line after UNKNOWN is to be ignored.
        if family.elementsEqual("UNKNOWN".utf8) { return .local }
        let isV4 = family.elementsEqual("TCP4".utf8)
        guard isV4 || family.elementsEqual("TCP6".utf8), words.count == 5,
            let source = address(words[1], isV4: isV4), address(words[2], isV4: isV4) != nil, port(words[3]) != nil,
            let destinationPort = port(words[4])
        else { throw Malformed() }
        return .client(source, destinationPort: destinationPort, isSecure: false)
    }

    private static func address(_ word: ArraySlice<UInt8>, isV4: Bool) -> IPAddress? {
        guard word.contains(UInt8(ascii: ":")) != isV4 else { return nil }
        let text = Array(word)
        return IPAddress(text: text.span)
    }

    private static func port(_ word: ArraySlice<UInt8>) -> UInt16? {
        guard 1...5 ~= word.count, word.allSatisfy({ $0 &- 0x30 < 10 }), word.count == 1 || word.first != 0x30 else {
            return nil
        }
        return UInt16(String(decoding: word, as: UTF8.self))
    }

    // MARK: Version 2, section 2.2

    private static func binary(_ bytes: [UInt8]) throws(Malformed) -> ProxyProtocolHeader {
        guard bytes[12] >> 4 == 2 else { throw Malformed() }
        switch bytes[12] & 15 {
        case 0: return .local
        case 1: break
        default: throw Malformed()
        }
        let rest = bytes[fixedLength...]
        switch bytes[13] {
        // TCP over IPv4
        case 0x11:
            guard rest.count >= 12 else { throw Malformed() }
            let source = UInt32(truncatingIfNeeded: number(rest, at: 0, count: 4))
            return .client(
                IPAddress(v4: source), destinationPort: UInt16(truncatingIfNeeded: number(rest, at: 10, count: 2)),
                isSecure: try isSecure(rest.dropFirst(12)))
        // TCP over IPv6
        case 0x21:
            guard rest.count >= 36 else { throw Malformed() }
            return .client(
                IPAddress(high: number(rest, at: 0, count: 8), low: number(rest, at: 8, count: 8)),
                destinationPort: UInt16(truncatingIfNeeded: number(rest, at: 34, count: 2)),
                isSecure: try isSecure(rest.dropFirst(36)))
        // Unspecified, UDP and unix sockets name no usable client.
        case 0x00, 0x12, 0x22, 0x31, 0x32: return .local
        // Reserved: "must be rejected as invalid by receivers".
        default: throw Malformed()
        }
    }

    /// Whether the client connected to the proxy over TLS: the type PP2_TYPE_SSL, section 2.2.6.
    private static func isSecure(_ extensions: ArraySlice<UInt8>) throws(Malformed) -> Bool {
        var rest = extensions
        var isSecure = false
        while !rest.isEmpty {
            guard rest.count >= 3 else { throw Malformed() }
            let type = rest[rest.startIndex]
            let length = Int(number(rest, at: 1, count: 2))
            let value = rest.dropFirst(3).prefix(length)
            guard value.count == length else { throw Malformed() }
            if type == 0x20, let flags = value.first { isSecure = flags & 1 != 0 }
            rest = rest.dropFirst(3 + length)
        }
        return isSecure
    }

    /// Big-endian; the caller has checked that there are enough bytes.
    private static func number(_ bytes: ArraySlice<UInt8>, at offset: Int, count: Int) -> UInt64 {
        bytes.dropFirst(offset).prefix(count).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static let textStart = Array("PROXY ".utf8)
    /// The longest line there can be, section 2.1.
    private static let maximumTextLength = 107
    private static let signature: [UInt8] = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
    ]
    private static let fixedLength = 16
    /// For addresses and extensions; more than proxies are known to send.
    private static let maximumAddressLength = 2048
}
