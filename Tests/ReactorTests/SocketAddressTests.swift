// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import Testing

@Suite("Socket addresses")
struct SocketAddressTests {
    @Test(
        "a literal address reads back as it was written",
        arguments: [
            ("127.0.0.1", "127.0.0.1:80"), ("255.254.253.252", "255.254.253.252:80"), ("0.0.0.0", "0.0.0.0:80"),
            ("::1", "[::1]:80"), ("::", "[::]:80"), ("2001:db8:1:2:3:4:5:6", "[2001:db8:1:2:3:4:5:6]:80"),
            ("fe80::1234", "[fe80::1234]:80"), ("::ffff:10.0.0.1", "[::ffff:10.0.0.1]:80"),
        ])
    func literals(host: String, text: String) throws {
        let address = try #require(SocketAddress(literal: host, port: 80))
        #expect(address.description == text)
        #expect(address.port == 80)
        #expect(address.with(port: 81).port == 81)
        #expect(address.with(port: 81).with(port: 80) == address)
        #expect(address.family == (host.contains(":") ? AF_INET6 : AF_INET))
        // In the system's form.
        var storage = sockaddr_storage()
        let size = unsafe address.withRaw { raw, length in
            unsafe withUnsafeMutableBytes(of: &storage) {
                unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: Int(length)))
            }
            return Int(length)
        }
        #expect(size == (host.contains(":") ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size))
        #expect(SocketAddress(storage) == address)
    }

    @Test(
        "a name is not a literal address",
        arguments: [
            "localhost", "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "[::1]", "::1%lo", "1.2.3.4 ", "g::",
        ])
    func names(host: String) {
        #expect(SocketAddress(literal: host, port: 80) == nil)
    }

    @Test("a path has no port")
    func path() {
        let address = SocketAddress.unix("/run/app.sock")
        #expect(address.description == "unix:/run/app.sock")
        #expect(address.port == nil)
        #expect(address.family == AF_UNIX)
        #expect(address.with(port: 1) == address)
    }

    @Test("other families give nil")
    func otherFamily() {
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(AF_NETLINK)
        #expect(SocketAddress(storage) == nil)
    }

    @Test("a system error names the call and the reason")
    func errors() {
        #expect(SystemError("bind", EADDRINUSE).description == "bind: Address already in use")
        #expect(SystemError("connect", ETIMEDOUT).isTimeout)
        #expect(!SystemError("connect", ECONNREFUSED).isTimeout)
        #expect(SystemError("a", EACCES) == SystemError("b", SystemError.permissionDenied))
    }
}
