// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The exit status; scripts and service managers rely on the numbers. Bad usage is 64, by ArgumentParser.
enum ExitStatus: Int32, Error, CustomStringConvertible {
    /// Errors in the configuration; they are on standard error.
    case badConfiguration = 1
    /// `explain`: the token is refused. `sessions`, `sign-out`: the gate refuses.
    case refused = 2
    /// An error in Sidegate itself.
    case internalError = 70
    /// An address cannot be bound, or a file that the configuration names cannot be opened.
    case cannotOpen = 78

    var description: String { "exit status \(rawValue)" }

    func exit() -> Never { Glibc.exit(rawValue) }
}

/// Lines of standard error, each written at once, so that lines of several processes do not mix.
enum StandardError {
    static func write(_ line: String) { Descriptor.write(line + "\n", to: 2) }
}

/// Text of standard output, written at once: `print` buffers it until the end when the output is a pipe.
enum StandardOutput {
    static func write(_ text: String) { Descriptor.write(text, to: 1) }

    static func write(_ bytes: [UInt8]) { Descriptor.write(bytes, to: 1) }
}
