// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Listening sockets that the service manager opened and this process inherited: socket activation, sd_listen_fds(3).
///
/// They outlive the process, so clients wait rather than find a closed port while the service restarts.
package struct InheritedSockets: Sendable {
    /// Descriptors and their names, in the order of the unit.
    private let entries: [(descriptor: Int32, name: String)]

    /// The sockets given by the environment; empty without a service manager.
    package static func ofThisProcess() -> InheritedSockets {
        func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }
        return InheritedSockets(
            process: variable("LISTEN_PID"), count: variable("LISTEN_FDS"), names: variable("LISTEN_FDNAMES"))
    }

    /// - Parameters: the variables LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. Ignored if meant for another process.
    package init(process: String?, count: String?, names: String?) {
        guard process == String(getpid()), let count = count.flatMap({ Int32($0) }), 1...Self.maximumCount ~= count
        else {
            entries = []
            return
        }
        let names = (names ?? "").split(separator: ":", omittingEmptySubsequences: false)
        entries = (0..<count).map { index in
            (Self.firstDescriptor + index, Int(index) < names.count ? String(names[Int(index)]) : "unknown")
        }
    }

    /// The descriptors with that name, or all if it is empty.
    package func descriptors(named name: String) -> [Int32] {
        entries.filter { name.isEmpty || $0.name == name }.map(\.descriptor)
    }

    /// SD_LISTEN_FDS_START
    private static let firstDescriptor: Int32 = 3
    private static let maximumCount: Int32 = 256
}
