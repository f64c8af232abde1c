// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTP

/// Which configuration a gate runs with: its file. `sidegate healthcheck` names the one that it was called with, so that
/// another gate on the same host, or another program, does not answer in place of the one that is meant.
package struct ConfigurationIdentity: Sendable, Equatable {
    /// The absolute path; nil: without a file, by the environment and the command line.
    package let path: String?

    /// - Parameter file: the path as it was given or found.
    package init(file: String?) {
        guard let file else {
            path = nil
            return
        }
        let name = file.hasPrefix("./") ? String(file.dropFirst(2)) : file
        path = name.hasPrefix("/") ? name : Self.workingDirectory + "/" + name
    }

    /// The answer to a question that names `asked`, percent-encoded; nil: it names none.
    func answer(to asked: String?) -> Answer {
        guard let asked else { return .unasked }
        var bytes: [UInt8] = []
        guard let path, PercentEncoding.decode(Array(asked.utf8).span, plusIsSpace: false, into: &bytes) else {
            return .other
        }
        let other = String(decoding: bytes, as: UTF8.self)
        return other == path || Self.resolved(other) == Self.resolved(path) ? .same : .other
    }

    /// The path as a value of the field.
    var encoded: String? {
        path.map { path in
            path.utf8.map { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    String(Unicode.Scalar(byte))
                default: (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
                }
            }.joined()
        }
    }

    /// The value of the field in the gate's answer.
    enum Answer: String {
        case same, other
        case unasked = "not-asked"
    }

    /// The field of question and answer.
    static let fieldName: StaticString = "X-Sidegate-Configuration"

    /// Without symbolic links; as it is where it cannot be resolved.
    private static func resolved(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private static var workingDirectory: String {
        guard let directory = unsafe getcwd(nil, 0) else { return "" }
        defer { unsafe free(directory) }
        return unsafe String(cString: directory)
    }
}
