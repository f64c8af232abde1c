// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Where the files of a journal are. All calls block.
package protocol JournalDisk: AnyObject, Sendable {
    /// Passes a file's content in pieces.
    func read(_ name: String, _ take: ([UInt8]) -> Void) throws(SystemError)

    /// A new file, in place of one of this name.
    func create(_ name: String) throws(SystemError) -> any JournalFile

    /// A file that exists, to append to it after its first `length` bytes.
    func append(to name: String, after length: Int) throws(SystemError) -> any JournalFile

    /// Gives a file another name, in place of one that has it; returns when that is on the disk.
    func rename(_ old: String, to new: String) throws(SystemError)

    /// Gives a file a second name.
    func link(_ name: String, as other: String) throws(SystemError)

    func remove(_ name: String)

    func names() -> [String]
}

/// A file that is written at its end.
package protocol JournalFile: AnyObject {
    /// After an error, some of `bytes` may have been written.
    func write(_ bytes: [UInt8]) throws(SystemError)

    /// Returns when all that was written is on the disk.
    func sync() throws(SystemError)

    func truncate(to length: Int) throws(SystemError)
}
