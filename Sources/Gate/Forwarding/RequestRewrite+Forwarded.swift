// SPDX-License-Identifier: Apache-2.0

import HTTP

// X-Forwarded-For, -Proto, -Host and -Port, as the app gets them.
extension RequestRewrite {
    /// X-Forwarded-*: extended when a trusted proxy sent them, replaced otherwise (CVE-2026-40575).
    func writeForwarded(
        _ access: borrowing AccessRequest, _ bytes: Span<UInt8>, into out: inout [UInt8]
    ) {
        let site = access.origin
        writeForwardedFor(access, bytes, into: &out)
        // As few pieces as possible: each costs a check of the memory.
        guard !site.host.isEmpty else {
            out.append(site.isSecure ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n")
            return
        }
        let host = bytes.extracting(site.host.range)
        out.append(
            site.isSecure
                ? "X-Forwarded-Proto: https\r\nX-Forwarded-Host: " : "X-Forwarded-Proto: http\r\nX-Forwarded-Host: ")
        out.append(copying: host)
        if access.context.isTrustedPeer, let named = Self.port(of: access.head, bytes) {
            writePort(bytes.extracting(named.range), into: &out)
        } else if let port = Self.portStart(of: host) {
            writePort(host.extracting(port...), into: &out)
        } else {
            out.append(site.isSecure ? "\r\nX-Forwarded-Port: 443\r\n" : "\r\nX-Forwarded-Port: 80\r\n")
        }
    }

    private func writePort(_ port: Span<UInt8>, into out: inout [UInt8]) {
        out.append("\r\nX-Forwarded-Port: ")
        out.append(copying: port)
        out.append("\r\n")
    }

    private func writeForwardedFor(
        _ access: borrowing AccessRequest, _ bytes: Span<UInt8>, into out: inout [UInt8]
    ) {
        let start = out.count
        out.append("X-Forwarded-For: ")
        let listStart = out.count
        if access.context.isTrustedPeer {
            for index in access.head.fields.indices where access.head.fields[index].known == .xForwardedFor {
                let value = access.head.fields[index].value
                guard !value.isEmpty else { continue }
                if out.count > listStart { out.append(", ") }
                out.append(copying: bytes.extracting(value.range))
            }
        }
        if access.context.peer != nil {
            if out.count > listStart { out.append(", ") }
            out.append(copying: access.peerText.span)
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
