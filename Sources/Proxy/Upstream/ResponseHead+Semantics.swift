// SPDX-License-Identifier: Apache-2.0

import HTTP

extension ResponseHead {
    /// The app lets caches that serve many users store this response (RFC 9111 §3): it must not carry a cookie of one
    /// user.
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

    /// The app sends Strict-Transport-Security itself; browsers use the first field only (RFC 6797 §8.1).
    var hasStrictTransport: Bool {
        let bytes = bytes.span
        return fields.contains { field in
            field.known == .other && bytes.extracting(field.name.range).equalsIgnoringCase("strict-transport-security")
        }
    }

    /// Content-Type is `text/event-stream`, with or without parameters, or that of gRPC, whose calls have their own
    /// deadlines.
    var isEventStream: Bool {
        let bytes = bytes.span
        for field in fields where field.known == .contentType {
            let value = bytes.extracting(field.value.range)
            return value.beginsIgnoringCase("text/event-stream") || value.beginsIgnoringCase("application/grpc")
        }
        return false
    }
}

extension Span<UInt8> {
    /// The bytes contain `text`, which must be lower case, ignoring case.
    fileprivate func holdsIgnoringCase(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard length <= count else { return false }
        for start in 0...(count - length) {
            let place = extracting(start..<start + length)
            if place.equalsIgnoringCase(text) { return true }
        }
        return false
    }

    func beginsIgnoringCase(_ text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && extracting(first: text.utf8CodeUnitCount).equalsIgnoringCase(text)
    }
}
