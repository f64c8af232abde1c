// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An open descriptor, closed exactly once, at the end of its lifetime.
package struct FileDescriptor: ~Copyable, Sendable {
    package let raw: Int32

    /// Takes ownership of an open descriptor; no other code may close it.
    package init(owning raw: Int32) {
        self.raw = raw
    }

    deinit {
        // EINTR still closes on Linux, so there is nothing to repeat (close(2)).
        _ = Glibc.close(raw)
    }
}

/// A failed system call: its name and error number.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    package let call: StaticString
    package let code: Int32

    package init(_ call: StaticString, _ code: Int32 = errno) {
        self.call = call
        self.code = code
    }

    package var isTimeout: Bool { code == ETIMEDOUT }
    package var isRefusal: Bool { code == ECONNREFUSED }
    /// No route leads to the address.
    package var isUnreachable: Bool { [EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN].contains(code) }
    /// There is no such file.
    package var isMissing: Bool { code == ENOENT }
    package var isDenial: Bool { code == EACCES || code == EPERM }
    /// The process, or the system, may open no more files.
    package var isOutOfDescriptors: Bool { code == EMFILE || code == ENFILE }

    package static let addressInUse = EADDRINUSE
    package static let addressNotAvailable = EADDRNOTAVAIL
    package static let permissionDenied = EACCES

    package var description: String { "\(call): \(Self.message(code))" }

    /// The system's text for an error number.
    package static func message(_ code: Int32) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }

    package static func == (left: SystemError, right: SystemError) -> Bool { left.code == right.code }
}
