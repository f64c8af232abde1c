// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A connection attempt that is never accepted: it takes a place in a listener's queue.
final class Filler {
    private let descriptor: Int32

    init(_ port: UInt16) throws {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { throw Wire.Failure.system(errno) }
        let raw = descriptor
        let result = unsafe Wire.withLoopback(port) { unsafe connect(raw, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else { throw Wire.Failure.system(errno) }
    }

    deinit {
        close(descriptor)
    }
}
