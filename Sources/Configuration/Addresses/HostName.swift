// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The name of the machine, or of the pod.
package enum HostName {
    /// As gethostname(2) has it; nil: it has none.
    package static var current: String? {
        var buffer = [CChar](repeating: 0, count: 256)
        let count = buffer.count - 1
        let isKnown = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe gethostname($0, count) == 0 } ?? false
        }
        guard isKnown else { return nil }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? nil : name
    }
}
