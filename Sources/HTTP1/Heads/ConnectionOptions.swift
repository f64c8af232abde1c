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
        var position = 0
        while let element = value.nextListElement(&position) { add(option: value.extracting(element)) }
    }

    private mutating func add(option name: Span<UInt8>) {
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
