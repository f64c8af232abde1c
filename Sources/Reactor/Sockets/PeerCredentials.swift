// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The process at the other end of a unix socket, as it was when it connected (SO_PEERCRED, unix(7)). The kernel says so, not
/// the process.
package struct PeerCredentials: Equatable, Sendable {
    /// The effective user ID.
    package let user: UInt32

    package init(user: UInt32) {
        self.user = user
    }

    /// Nil for a socket of another family.
    init?(of descriptor: Int32) {
        var domain: Int32 = 0
        var domainLength = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &domainLength) == 0, domain == AF_UNIX
        else { return nil }
        // pid, uid, gid; the first is 0 for a process that this one cannot see (pid_namespaces(7)).
        var words: (Int32, UInt32, UInt32) = (0, 0, 0)
        let size = socklen_t(MemoryLayout.size(ofValue: words))
        var length = size
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &words, &length) == 0, length == size
        else { return nil }
        user = words.1
    }

    /// The user that this process runs as.
    package static var ownUser: UInt32 { geteuid() }
}

extension FileDescriptor {
    /// Who connected; nil: this is no unix socket.
    package var peerCredentials: PeerCredentials? { PeerCredentials(of: raw) }
}
