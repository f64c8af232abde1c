// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The kernel's figures for this process: proc(5).
struct ProcessFigures {
    /// User and system time.
    var cpuSeconds: Double = 0
    var residentBytes: UInt64 = 0
    var virtualBytes: UInt64 = 0
    /// Seconds since 1970.
    var startedAt: Double = 0
    var openDescriptors: UInt64 = 0
    var maximumDescriptors: UInt64 = 0

    static func now() -> ProcessFigures {
        var figures = ProcessFigures()
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        // The name in parentheses may hold any character: the fields start after the last parenthesis.
        let text = SystemFile.text("/proc/self/stat")
        let fields = text.lastIndex(of: ")").map { text[$0...].dropFirst().split(separator: " ") } ?? []
        // Field 3 of proc_pid_stat(5) is the first of these.
        func field(_ number: Int) -> Double {
            number - 3 < fields.count ? Double(fields[number - 3]) ?? 0 : 0
        }
        figures.cpuSeconds = (field(14) + field(15)) / ticks
        figures.virtualBytes = UInt64(max(0, field(23)))
        figures.residentBytes = UInt64(max(0, field(24))) * UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
        for line in SystemFile.text("/proc/stat").split(separator: "\n") where line.hasPrefix("btime ") {
            figures.startedAt = (Double(line.dropFirst(6)) ?? 0) + field(22) / ticks
        }
        figures.openDescriptors = countDescriptors()
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            figures.maximumDescriptors = UInt64(limit.rlim_cur)
        }
        return figures
    }

    private static func countDescriptors() -> UInt64 {
        guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(directory) }
        var count: UInt64 = 0
        while unsafe readdir(directory) != nil { count += 1 }
        // Without `.`, `..` and the directory that is being read.
        return count >= 3 ? count - 3 : 0
    }
}
