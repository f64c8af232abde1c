// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reports the state of the process to the service manager over its socket: the parts of sd_notify(3) that a service
/// needs. Does nothing without such a socket.
package struct ServiceNotifier: Sendable {
    /// A path, or a name in the abstract namespace after an `@`; nil without a service manager.
    private let socketName: [UInt8]?
    /// The service manager ends the process if it gets no message for this long; nil: disabled.
    package let watchdogTimeout: Nanoseconds?

    package static func ofThisProcess() -> ServiceNotifier {
        func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }
        return ServiceNotifier(
            socket: variable("NOTIFY_SOCKET"), watchdogMicroseconds: variable("WATCHDOG_USEC"),
            watchdogProcess: variable("WATCHDOG_PID"))
    }

    /// - Parameters: the variables NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. A watchdog meant for another process
    ///   is ignored.
    package init(socket: String?, watchdogMicroseconds: String?, watchdogProcess: String?) {
        let name = socket.map { Array($0.utf8) } ?? []
        // sun_path holds 108 bytes, and a path its terminating zero (unix(7)).
        let isGood = (name.first == UInt8(ascii: "/") || name.first == UInt8(ascii: "@")) && 2...107 ~= name.count
        socketName = isGood ? name : nil
        let isOurs = watchdogProcess == nil || watchdogProcess == String(getpid())
        let microseconds = watchdogMicroseconds.flatMap { UInt64($0) } ?? 0
        watchdogTimeout =
            isGood && isOurs && microseconds > 0 && microseconds < 1 << 50
            ? Nanoseconds(count: microseconds * 1000) : nil
    }

    /// The service accepts connections, or has reloaded its configuration.
    package func ready() { send("READY=1\nSTATUS=serving") }

    /// The configuration is being reloaded, until ``ready()``.
    package func reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=\(MonotonicTime.current().nanoseconds / 1000)\nSTATUS=reloading")
    }

    package func stopping() { send("STOPPING=1\nSTATUS=finishing what is in flight") }

    package func alive() { send("WATCHDOG=1") }

    private func send(_ message: String) {
        guard var name = socketName else { return }
        let isAbstract = name[0] == UInt8(ascii: "@")
        if isAbstract { name[0] = 0 } else { name.append(0) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let offset = MemoryLayout<sa_family_t>.size
        unsafe withUnsafeMutableBytes(of: &address) { memory in
            // 108 bytes at most, as checked above.
            for (index, byte) in name.enumerated() { unsafe memory[offset + index] = byte }
        }
        let bytes = Array(message.utf8)
        unsafe bytes.withUnsafeBytes { text in
            unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    // Non-blocking: a manager that does not read must not block the service.
                    _ = unsafe sendto(
                        descriptor, text.baseAddress, text.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL),
                        $0, socklen_t(offset + name.count))
                }
            }
        }
    }
}
