// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Waits until every other thread of this process sleeps. A spinning one never does, and the test's limit ends the wait.
///
/// For a process of the test's own, since the threads of other tests count as well.
func waitUntilOthersSleep() {
    while othersRun() { usleep(1000) }
}

private func othersRun() -> Bool {
    let own = stat("/proc/thread-self/stat").prefix { $0 != " " }
    guard let folder = unsafe opendir("/proc/self/task") else { preconditionFailure("/proc is needed") }
    defer { unsafe closedir(folder) }
    while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        guard Int(name) != nil, name != own else { continue }
        // After the command's name, which may contain anything but ends with the last parenthesis (proc_pid_stat(5)).
        let state = stat("/proc/self/task/\(name)/stat").split(separator: ")").last?.first { $0 != " " }
        // None: the thread has ended meanwhile.
        if let state, state != "S" { return true }
    }
    return false
}

private func stat(_ path: String) -> String {
    guard let file = unsafe fopen(path, "r") else { return "" }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}
