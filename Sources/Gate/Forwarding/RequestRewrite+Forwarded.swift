// SPDX-License-Identifier: Apache-2.0

import HTTP

// X-Forwarded-For, -Proto, -Host and -Port, as the app gets them.
extension RequestRewrite {
    /// X-Forwarded-*: extended when a trusted proxy sent them, replaced otherwise (CVE-2026-40575).
    func writeForwarded(
        _ access: borrowing AccessRequest, _ bytes: Span<UInt8>, into out: inout [UInt8]
    ) {
        let site = access.origin
        writeForwardedFor(access.head, bytes, access.context, into: &out)
        out.append(site.isSecure ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n")
        guard !site.host.isEmpty else { return }
        let host = bytes.extracting(site.host.range)
        out.append("X-Forwarded-Host: ")
        out.append(copying: host)
        out.append("\r\nX-Forwarded-Port: ")
        if access.context.isTrustedPeer, let named = Self.port(of: access.head, bytes) {
            out.append(copying: bytes.extracting(named.range))
        } else if let port = Self.portStart(of: host) {
            out.append(copying: host.extracting(port...))
        } else {
            out.append(site.isSecure ? "443" : "80")
        }
        out.append("\r\n")
    }

    private func writeForwardedFor(
        _ request: RequestHead, _ bytes: Span<UInt8>, _ context: RequestContext, into out: inout [UInt8]
    ) {
        let start = out.count
        out.append("X-Forwarded-For: ")
        let listStart = out.count
        if context.isTrustedPeer {
            for index in request.fields.indices where request.fields[index].known == .xForwardedFor {
                let value = request.fields[index].value
                guard !value.isEmpty else { continue }
                if out.count > listStart { out.append(", ") }
                out.append(copying: bytes.extracting(value.range))
            }
        }
        if let peer = context.peer {
            if out.count > listStart { out.append(", ") }
            out.append(peer)
        }
        if out.count == listStart {
            out.removeLast(out.count - start)
        } else {
            out.append("\r\n")
        }
    }

    /// A plain number in X-Forwarded-Port.
    private static func port(of request: RequestHead, _ bytes: Span<UInt8>) -> ByteRange? {
        for index in request.fields.indices where request.fields[index].known == .xForwardedPort {
            let value = request.fields[index].value
            guard (1...5).contains(value.count) else { return nil }
            for position in value.range where bytes[position] &- UInt8(ascii: "0") >= 10 { return nil }
            return value
        }
        return nil
    }

    /// Where the port begins in `host:port`.
    private static func portStart(of host: Span<UInt8>) -> Int? {
        var index = host.count
        while index > 0 {
            let byte = host[index - 1]
            if byte == UInt8(ascii: ":") { return index < host.count ? index : nil }
            guard byte &- UInt8(ascii: "0") < 10 else { return nil }
            index -= 1
        }
        return nil
    }
}

extension [UInt8] {
    /// An address in its usual text.
    mutating func append(_ address: IPAddress) {
        guard address.isV4 else { return append(contentsOf: address.description.utf8) }
        for shift in stride(from: 24, through: 0, by: -8) {
            append(decimal: (address.low >> UInt64(shift)) & 0xff)
            if shift > 0 { append(UInt8(ascii: ".")) }
        }
    }
}
