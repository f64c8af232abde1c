// SPDX-License-Identifier: Apache-2.0

import HTTP

extension ResponseHead {
    /// A cache that serves many users might keep this response by the app's own word (RFC 9111 §3): a cookie of one
    /// user must not travel with it.
    var isForSharedCaches: Bool {
        var isFresh = false
        let bytes = bytes.span
        for field in fields where field.known == .other {
            let name = bytes.extracting(field.name.range)
            if name.equalsIgnoringCase("expires") {
                isFresh = true
            } else if name.equalsIgnoringCase("cache-control") {
                let value = bytes.extracting(field.value.range)
                if value.holdsIgnoringCase("private") || value.holdsIgnoringCase("no-store") { return false }
                if value.holdsIgnoringCase("public") || value.holdsIgnoringCase("max-age")
                    || value.holdsIgnoringCase("s-maxage")
                {
                    isFresh = true
                }
            }
        }
        return isFresh
    }
}

extension Span<UInt8> {
    /// `text`, which must be lower case, stands somewhere in the bytes, in any case.
    fileprivate func holdsIgnoringCase(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard length <= count else { return false }
        for start in 0...(count - length) {
            let place = extracting(start..<start + length)
            if place.equalsIgnoringCase(text) { return true }
        }
        return false
    }
}
