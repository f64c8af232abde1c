// SPDX-License-Identifier: Apache-2.0

import HTTP

extension Method {
    /// The method called `name` (RFC 9110 §9.1), which is case-sensitive; nil for a known one in another case, such as
    /// `get`, which only some app servers treat as the known one.
    init?(name: Span<UInt8>) {
        let known: Method
        let spelling: StaticString
        switch (name.count, name.isEmpty ? 0 : name[0] & 0x5f) {
        case (3, UInt8(ascii: "G")): (known, spelling) = (.get, "GET")
        case (3, UInt8(ascii: "P")): (known, spelling) = (.put, "PUT")
        case (4, UInt8(ascii: "P")): (known, spelling) = (.post, "POST")
        case (4, UInt8(ascii: "H")): (known, spelling) = (.head, "HEAD")
        case (5, UInt8(ascii: "P")): (known, spelling) = (.patch, "PATCH")
        case (5, UInt8(ascii: "T")): (known, spelling) = (.trace, "TRACE")
        case (6, UInt8(ascii: "D")): (known, spelling) = (.delete, "DELETE")
        case (7, UInt8(ascii: "O")): (known, spelling) = (.options, "OPTIONS")
        case (7, UInt8(ascii: "C")): (known, spelling) = (.connect, "CONNECT")
        default:
            self = .other
            return
        }
        if name.equals(spelling) {
            self = known
            return
        }
        let expected = unsafe UnsafeBufferPointer(start: spelling.utf8Start, count: spelling.utf8CodeUnitCount)
        // Both have the same count, by the cases above.
        for index in name.indices where unsafe lowercased(name[index]) != lowercased(expected[index]) {
            self = .other
            return
        }
        return nil
    }
}
