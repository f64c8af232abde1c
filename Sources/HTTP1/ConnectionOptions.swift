// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The options of a head's Connection fields (RFC 9110 §7.6.1).
struct ConnectionOptions {
    private(set) var close = false
    private(set) var keepAlive = false
    private(set) var upgrade = false
    /// Whether there is another option than those and `te`, which is the name of a field.
    private(set) var nominatesFields = false

    mutating func add(_ value: Span<UInt8>) {
        var start = 0
        while start < value.count {
            let comma = value.firstIndex(of: UInt8(ascii: ","), in: start..<value.count)
            add(option: value.extracting(start..<comma))
            start = comma + 1
        }
    }

    private mutating func add(option: Span<UInt8>) {
        var start = 0
        var end = option.count
        while start < end, ByteClass.isBlank(option[start]) { start += 1 }
        while start < end, ByteClass.isBlank(option[end - 1]) { end -= 1 }
        let name = option.extracting(start..<end)
        switch name.count {
        // RFC 9110 §5.6.1: empty list elements are ignored.
        case 0: return
        case 2 where name.equalsIgnoringCase("te"): return
        case 5 where name.equalsIgnoringCase("close"): close = true
        case 7 where name.equalsIgnoringCase("upgrade"): upgrade = true
        case 10 where name.equalsIgnoringCase("keep-alive"): keepAlive = true
        default: nominatesFields = true
        }
    }

    /// RFC 9112 §9.3.
    func isPersistent(_ version: Version) -> Bool {
        !close && (version == .http11 || keepAlive)
    }
}
