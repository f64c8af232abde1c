// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An address to listen on or connect to: an IPv4 or IPv6 address with a port, or the path of a unix socket.
package struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
        /// 32 bits, most significant first.
        case v4(UInt32, port: UInt16)
        /// 128 bits, most significant first, and the zone (0: none).
        case v6(high: UInt64, low: UInt64, port: UInt16, scope: UInt32)
        case unix(path: String)
    }

    package let kind: Kind

    package init(_ kind: Kind) {
        self.kind = kind
    }

    package static func v4(_ bits: UInt32, port: UInt16) -> SocketAddress { SocketAddress(.v4(bits, port: port)) }
    package static func v6(high: UInt64, low: UInt64, port: UInt16) -> SocketAddress {
        SocketAddress(.v6(high: high, low: low, port: port, scope: 0))
    }
    package static func unix(_ path: String) -> SocketAddress { SocketAddress(.unix(path: path)) }

    /// From a literal host (`127.0.0.1`, `::1`) and a port; nil if `host` is a name.
    package init?(literal host: String, port: UInt16) {
        var v4 = in_addr()
        if unsafe inet_pton(AF_INET, host, &v4) == 1 {
            kind = .v4(UInt32(bigEndian: v4.s_addr), port: port)
            return
        }
        var v6 = in6_addr()
        guard unsafe inet_pton(AF_INET6, host, &v6) == 1 else { return nil }
        let (high, low) = Self.words(v6)
        kind = .v6(high: high, low: low, port: port, scope: 0)
    }

    package var port: UInt16? {
        switch kind {
        case .v4(_, let port), .v6(_, _, let port, _): port
        case .unix: nil
        }
    }

    /// The same host with another port; a path is unchanged.
    package func with(port: UInt16) -> SocketAddress {
        switch kind {
        case .v4(let bits, _): SocketAddress(.v4(bits, port: port))
        case .v6(let high, let low, _, let scope): SocketAddress(.v6(high: high, low: low, port: port, scope: scope))
        case .unix: self
        }
    }

    /// Removes a unix socket's file, so that clients do not find a socket without a listener.
    package func removeSocketFile() {
        if case .unix(let path) = kind { _ = unsafe unlink(path) }
    }

    package var family: Int32 {
        switch kind {
        case .v4: AF_INET
        case .v6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// `127.0.0.1:80`, `[::1]:80` or `unix:/path`.
    package var description: String {
        switch kind {
        case .v4(let bits, let port):
            return "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255):\(port)"
        case .v6(let high, let low, let port, _):
            var address = Self.v6Address(high, low)
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            let size = socklen_t(text.count)
            guard unsafe inet_ntop(AF_INET6, &address, &text, size) != nil else { return "[?]:\(port)" }
            let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            return "[\(String(decoding: bytes, as: UTF8.self))]:\(port)"
        case .unix(let path):
            return "unix:\(path)"
        }
    }

    /// Calls `body` with the address in the system's form. Nil if a unix path is longer than the system allows.
    package func withRaw<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
        var storage = sockaddr_storage()
        let length: Int
        switch kind {
        case .v4(let bits, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = bits.bigEndian
            length = MemoryLayout<sockaddr_in>.size
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: address, as: sockaddr_in.self) }
        case .v6(let high, let low, let port, let scope):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = Self.v6Address(high, low)
            address.sin6_scope_id = scope
            length = MemoryLayout<sockaddr_in6>.size
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: address, as: sockaddr_in6.self) }
        case .unix(let path):
            let bytes = Array(path.utf8)
            // sun_path must have room for the terminating zero (unix(7)).
            guard bytes.count < 108, !bytes.contains(0) else { return nil }
            length = MemoryLayout<sa_family_t>.size + bytes.count + 1
            unsafe withUnsafeMutableBytes(of: &storage) { memory in
                unsafe memory.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
                for (index, byte) in bytes.enumerated() {
                    // 2 + 107 bytes at most, of the 128 of sockaddr_storage.
                    unsafe memory[MemoryLayout<sa_family_t>.size + index] = byte
                }
            }
        }
        return unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(length)) }
        }
    }

    /// The address filled in by the system; nil for other families. An IPv4-mapped IPv6 address stays IPv6 here.
    package init?(_ storage: sockaddr_storage) {
        var storage = storage
        switch Int32(storage.ss_family) {
        case AF_INET:
            let address = unsafe withUnsafeBytes(of: &storage) { unsafe $0.load(as: sockaddr_in.self) }
            kind = .v4(UInt32(bigEndian: address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            let address = unsafe withUnsafeBytes(of: &storage) { unsafe $0.load(as: sockaddr_in6.self) }
            let (high, low) = Self.words(address.sin6_addr)
            kind = .v6(
                high: high, low: low, port: UInt16(bigEndian: address.sin6_port), scope: address.sin6_scope_id)
        case AF_UNIX:
            kind = .unix(path: "")
        default:
            return nil
        }
    }

    private static func words(_ address: in6_addr) -> (UInt64, UInt64) {
        unsafe withUnsafeBytes(of: address) { bytes in
            unsafe (
                UInt64(bigEndian: bytes.load(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    private static func v6Address(_ high: UInt64, _ low: UInt64) -> in6_addr {
        var address = in6_addr()
        unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }
}
