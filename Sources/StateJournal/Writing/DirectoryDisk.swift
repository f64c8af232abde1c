// SPDX-License-Identifier: Apache-2.0

import Reactor

extension OutputFile: JournalFile {}

/// The files of a journal in a directory of the machine.
package final class DirectoryDisk: JournalDisk {
    private let directory: PrivateDirectory

    package init(_ directory: PrivateDirectory) {
        self.directory = directory
    }

    package func read(_ name: String, _ take: ([UInt8]) -> Void) throws(SystemError) {
        try directory.read(name, take)
    }

    package func create(_ name: String) throws(SystemError) -> any JournalFile { try directory.create(name) }

    package func append(to name: String, after length: Int) throws(SystemError) -> any JournalFile {
        try directory.append(to: name, after: length)
    }

    package func rename(_ old: String, to new: String) throws(SystemError) { try directory.rename(old, to: new) }

    package func link(_ name: String, as other: String) throws(SystemError) { try directory.link(name, as: other) }

    package func remove(_ name: String) { directory.remove(name) }

    package func names() -> [String] { directory.names() }
}
