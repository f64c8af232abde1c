// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The fields of a request that affect its framing and its connection.
struct RequestMeaning {
    private(set) var framing = MessageFraming()
    private(set) var connection = ConnectionOptions()
    private(set) var host: ByteRange?
    private(set) var expectsContinue = false
    private(set) var hasUpgrade = false
    private(set) var authenticatesConnection = false

    mutating func read(_ fields: [Field], of bytes: Span<UInt8>) throws(HTTP1Error) {
        for field in fields {
            switch field.known {
            case .host:
                // RFC 9112 §3.2: more than one line, or an invalid one, is 400.
                if host != nil { throw .repeatedHost }
                guard Authority.isValid(bytes.extracting(field.value.range)) else { throw .invalidHost }
                host = field.value
            case .contentLength:
                try framing.addContentLength(bytes.extracting(field.value.range))
            case .transferEncoding:
                try framing.addTransferEncoding(bytes.extracting(field.value.range))
            case .connection:
                connection.add(bytes.extracting(field.value.range))
            case .upgrade:
                hasUpgrade = !field.value.isEmpty || hasUpgrade
            case .authorization:
                if ConnectionAuthentication.isUsed(in: bytes.extracting(field.value.range)) {
                    authenticatesConnection = true
                }
            case .expect:
                // RFC 9110 §10.1.1: expectations other than 100-continue cannot be met.
                guard bytes.extracting(field.value.range).equalsIgnoringCase("100-continue") else {
                    throw .unsupportedExpectation
                }
                expectsContinue = true
            default:
                continue
            }
        }
    }
}
