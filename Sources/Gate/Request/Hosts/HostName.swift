// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The name of a host, as it is compared with those of the configuration.
enum HostName {
    /// Where it stands in an authority: without port, and without the dot that ends a full name.
    static func place(in authority: Span<UInt8>) -> Range<Int> {
        var end = authority.count
        var start = end
        while start > 0, authority[start - 1] &- UInt8(ascii: "0") < 10 { start -= 1 }
        if start > 0, authority[start - 1] == UInt8(ascii: ":") { end = start - 1 }
        if end > 0, authority[end - 1] == UInt8(ascii: ".") { end -= 1 }
        return 0..<end
    }

    /// In lower case.
    static func folded(_ authority: Span<UInt8>) -> [UInt8] {
        let name = authority.extracting(place(in: authority))
        var text: [UInt8] = []
        text.reserveCapacity(name.count)
        for index in name.indices { text.append(lowercased(name[index])) }
        return text
    }
}
