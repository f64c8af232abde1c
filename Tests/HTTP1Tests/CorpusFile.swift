// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file of `Corpus`: bytes as received on a connection.
///
/// - `requests/valid/NAME.http` with `NAME.expected`, the transcript it must give;
/// - `requests/invalid/NAME.ERROR.http`, where ERROR is the case of `HTTP1Error` it must end with;
/// - `responses/valid` and `responses/invalid` alike; a name that starts with `METHOD-` answers that method, else GET.
///
/// Files are never deleted: each is a fault that occurred in some program.
struct CorpusFile: CustomStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    /// The text of the accompanying file, if there is one.
    let expected: String

    var description: String { name }

    /// The part of the name before `.http` that names the error.
    var expectedError: String { String(name.split(separator: ".").dropLast().last ?? "") }

    static func all(_ folder: String) -> [CorpusFile] {
        let path = root + folder + "/"
        var files: [CorpusFile] = []
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            guard name.hasSuffix(".http") else { continue }
            let expected = read(path + name.dropLast(5) + ".expected")
            files.append(
                CorpusFile(name: name, bytes: read(path + name), expected: String(decoding: expected, as: UTF8.self)))
        }
        return files.sorted { $0.name < $1.name }
    }

    private static func read(_ path: String) -> [UInt8] {
        guard let file = unsafe fopen(path, "r") else { return [] }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var byte = unsafe fgetc(file)
        while byte >= 0 {
            bytes.append(UInt8(truncatingIfNeeded: byte))
            byte = unsafe fgetc(file)
        }
        return bytes
    }

    private static let root = #filePath.split(separator: "/").dropLast().reduce("/") { $0 + $1 + "/" } + "Corpus/"
}
