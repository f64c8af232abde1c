// SPDX-License-Identifier: Apache-2.0

import Glibc
import Reactor
import Testing

@Suite("Notifying the service manager")
struct ServiceNotifierTests {
    @Test("each message is one datagram, to a path or an abstract name", arguments: [false, true])
    func messages(isAbstract: Bool) throws {
        let name = "/tmp/sidegate-notify-\(getpid())-\(isAbstract ? 1 : 0)"
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer {
            close(descriptor)
            unsafe unlink(name)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(name.utf8)
        unsafe withUnsafeMutableBytes(of: &address) { memory in
            for (index, byte) in bytes.enumerated() { unsafe memory[2 + index] = byte }
            if isAbstract { unsafe memory[2] = 0 }
        }
        let length = socklen_t(2 + bytes.count + (isAbstract ? 0 : 1))
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.bind(descriptor, $0, length)
            }
        }
        try #require(bound == 0)
        let notifier = ServiceNotifier(
            socket: isAbstract ? "@" + name.dropFirst() : name, watchdogMicroseconds: nil, watchdogProcess: nil)
        notifier.ready()
        notifier.reloading()
        notifier.stopping()
        notifier.alive()
        var received: [String] = []
        for _ in 0..<4 {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            received.append(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self))
        }
        #expect(received[0].hasPrefix("READY=1\n"))
        #expect(received[1].hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        #expect(received[2].hasPrefix("STOPPING=1\n"))
        #expect(received[3] == "WATCHDOG=1")
    }

    @Test(
        "the watchdog applies if it is meant for this process",
        arguments: [
            ("/run/notify", "3000000", nil, 3.0), ("/run/notify", "3000000", "me", 3.0),
            ("/run/notify", "3000000", "1", nil), ("/run/notify", "0", nil, nil), ("/run/notify", "soon", nil, nil),
            ("/run/notify", nil, nil, nil), (nil, "3000000", nil, nil), ("relative", "3000000", nil, nil),
            ("/", "3000000", nil, nil), ("/run/notify", "99999999999999999999", nil, nil),
        ] as [(String?, String?, String?, Double?)])
    func watchdog(socket: String?, microseconds: String?, process: String?, seconds: Double?) {
        let notifier = ServiceNotifier(
            socket: socket, watchdogMicroseconds: microseconds,
            watchdogProcess: process == "me" ? String(getpid()) : process)
        #expect(notifier.watchdogTimeout?.seconds == seconds)
    }

    @Test("a missing listener, or an invalid name, is not an error", arguments: ["/nowhere/at/all", "x", "", "@"])
    func nobody(socket: String) {
        ServiceNotifier(socket: socket, watchdogMicroseconds: nil, watchdogProcess: nil).ready()
        let long = "/" + String(repeating: "x", count: 200)
        ServiceNotifier(socket: long, watchdogMicroseconds: nil, watchdogProcess: nil).ready()
    }
}
