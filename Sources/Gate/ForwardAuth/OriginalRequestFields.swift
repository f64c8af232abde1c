// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The fields by which proxies describe the original request, each at most once.
struct OriginalRequestFields {
    private(set) var originalURL: [UInt8]?
    private(set) var originalMethod: [UInt8]?
    private(set) var forwardedURI: [UInt8]?
    private(set) var forwardedMethod: [UInt8]?

    var isEmpty: Bool {
        originalURL == nil && originalMethod == nil && forwardedURI == nil && forwardedMethod == nil
    }

    init(_ request: RequestHead) throws(OriginalRequestProblem) {
        let bytes = request.bytes.span
        for field in request.fields where field.value.upperBound <= bytes.count {
            let value = Array(request.bytes[field.value.range])
            // Set to nothing, as a proxy clears what a browser sent.
            guard !value.isEmpty else { continue }
            switch field.known {
            case .xOriginalURL: try Self.set(&originalURL, value)
            case .xOriginalMethod: try Self.set(&originalMethod, value)
            case .other:
                let name = bytes.extracting(field.name.range)
                if name.equalsIgnoringCase("x-original-uri") {
                    try Self.set(&originalURL, value)
                } else if name.equalsIgnoringCase("x-forwarded-uri") {
                    try Self.set(&forwardedURI, value)
                } else if name.equalsIgnoringCase("x-forwarded-method") {
                    try Self.set(&forwardedMethod, value)
                }
            default: break
            }
        }
    }

    private static func set(_ place: inout [UInt8]?, _ value: [UInt8]) throws(OriginalRequestProblem) {
        guard place == nil else { throw .contradictory }
        place = value
    }
}
