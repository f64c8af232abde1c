// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What a request's Content-Type says of its content.
enum ContentType {
    static func isGRPC(_ request: RequestHead) -> Bool {
        hasContentType(request) { type in
            guard type.count >= 16, type.extracting(0..<16).equalsIgnoringCase("application/grpc") else { return false }
            return type.count == 16 || type[16] == UInt8(ascii: "+") || type[16] == UInt8(ascii: "-")
        }
    }

    static func isForm(_ request: RequestHead) -> Bool {
        hasContentType(request) { $0.equalsIgnoringCase("application/x-www-form-urlencoded") }
    }

    /// There is a Content-Type, and each that there is passes.
    private static func hasContentType(_ request: RequestHead, _ test: (Span<UInt8>) -> Bool) -> Bool {
        var found = false
        let bytes = request.bytes.span
        for field in request.fields where field.known == .contentType {
            let end = bytes.firstIndex(of: UInt8(ascii: ";"), in: field.value.range)
            guard test(bytes.extracting(bytes.trimmed(field.value.lowerBound..<end))) else { return false }
            found = true
        }
        return found
    }

    /// The body is a token, without a form around it.
    static func isBareToken(_ request: RequestHead) -> Bool {
        hasContentType(request) { type in
            type.equalsIgnoringCase("application/jwt") || type.equalsIgnoringCase("application/logout+jwt")
                || type.equalsIgnoringCase("text/plain")
        }
    }
}
