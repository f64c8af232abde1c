// SPDX-License-Identifier: Apache-2.0

import HTTP

extension ResponseHead {
    /// Removes the Set-Cookie fields of the gate's own names from an app's response; the first such name, or nil.
    ///
    /// The app never receives these cookies and must not set or end them: one that it sets can hide a user's session, or
    /// be another user's.
    mutating func removeOwnCookies(_ own: OwnCookieFilter) -> String? {
        var removed: String?
        for index in fields.indices.reversed() where fields[index].known == .setCookie {
            let value = Array(bytes[fields[index].value.range])
            let name = SetCookieName.range(in: value.span)
            guard own.isOurs(value.span.extracting(name)) else { continue }
            removed = String(decoding: value[name], as: UTF8.self)
            removeField(at: index)
        }
        return removed
    }
}

/// The name under which a browser sends back what a Set-Cookie field sets (RFC 6265bis §5.6).
enum SetCookieName {
    /// Its place in the field's value. A cookie without a name is sent as its value alone, so what stands before an
    /// equals sign there is read as a name: `=sidegate=x` counts as `sidegate`.
    static func range(in value: Span<UInt8>) -> Range<Int> {
        let pairEnd = value.firstIndex(of: UInt8(ascii: ";"), in: 0..<value.count)
        var start = 0
        while start < pairEnd, WhiteSpace.contains(value[start]) || value[start] == UInt8(ascii: "=") { start += 1 }
        var end = value.firstIndex(of: UInt8(ascii: "="), in: start..<pairEnd)
        while end > start, WhiteSpace.contains(value[end - 1]) { end -= 1 }
        return start..<end
    }
}
