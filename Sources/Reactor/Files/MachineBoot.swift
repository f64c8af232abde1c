// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The machine's present boot: the monotonic clock begins with it.
package enum MachineBoot {
    /// 16 bytes that no other boot has (random(4)); empty: the kernel's file is not visible here, as with systemd's
    /// `ProcSubset=pid`.
    package static func identifier() -> [UInt8] {
        let descriptor = unsafe open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 64)
        let count = unsafe text.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return [] }
        let digits = String(decoding: text.prefix(count), as: UTF8.self).filter(\.isHexDigit)
        guard digits.count == 32 else { return [] }
        var bytes: [UInt8] = []
        var rest = Substring(digits)
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return [] }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
