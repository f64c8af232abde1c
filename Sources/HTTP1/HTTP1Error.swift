// SPDX-License-Identifier: Apache-2.0

/// Why a message was refused. After any of these the connection must end: where the message ends is not known.
///
/// The raw value is the case's name.
package enum HTTP1Error: String, Error, Equatable, Sendable, CaseIterable, CustomStringConvertible {
    // Bytes that stand nowhere in a head.
    case bareCR
    case bareLF
    case nul
    case controlByte

    // The request line (RFC 9112 §3).
    case invalidMethod
    case methodTooLong
    case connectNotSupported
    case invalidTarget
    case fragmentInTarget
    case userInformationInTarget
    case targetFormNotAllowed
    case targetTooLong
    case invalidVersion
    case unsupportedVersion

    // The status line (RFC 9112 §4).
    case invalidStatusLine
    case invalidStatus

    // Field lines (RFC 9112 §5).
    case emptyFieldName
    case invalidFieldName
    case fieldNameTooLong
    case ambiguousFieldName
    case spaceBeforeColon
    case foldedField
    case tooManyFields
    case headTooLarge

    // What fields say.
    case missingHost
    case repeatedHost
    case invalidHost
    case invalidContentLength
    case repeatedContentLength
    case contentLengthWithTransferEncoding
    case invalidTransferEncoding
    case repeatedTransferEncoding
    case transferEncodingInHTTP10
    case unsupportedExpectation

    // Content (RFC 9112 §7).
    case invalidChunkSize
    case chunkSizeOverflow
    case invalidChunkExtension
    case tooMuchChunkOverhead
    case invalidChunkEnd
    case trailersTooLarge
    case cutShort

    /// What was wrong, for logs; it never holds anything a peer sent.
    package var description: String {
        switch self {
        case .bareCR: "a CR that is not followed by LF"
        case .bareLF: "an LF without CR"
        case .nul: "a NUL"
        case .controlByte: "a control character"
        case .invalidMethod: "an invalid method"
        case .methodTooLong: "a method longer than any that is known"
        case .connectNotSupported: "CONNECT"
        case .invalidTarget: "an invalid request target"
        case .fragmentInTarget: "a '#' in the request target"
        case .userInformationInTarget: "user information in the request target"
        case .targetFormNotAllowed: "a form of request target that the method does not have"
        case .targetTooLong: "a request line that is too long"
        case .invalidVersion: "an invalid HTTP version"
        case .unsupportedVersion: "an HTTP version that is not supported"
        case .invalidStatusLine: "an invalid status line"
        case .invalidStatus: "a status code outside 100 to 599"
        case .emptyFieldName: "an empty field name"
        case .invalidFieldName: "an invalid field name"
        case .fieldNameTooLong: "a field name that is too long"
        case .ambiguousFieldName: "a field name that app servers could take for a framing field"
        case .spaceBeforeColon: "white space between a field name and its colon"
        case .foldedField: "a folded field line"
        case .tooManyFields: "too many fields"
        case .headTooLarge: "a header section that is too large"
        case .missingHost: "no Host"
        case .repeatedHost: "more than one Host"
        case .invalidHost: "an invalid Host"
        case .invalidContentLength: "an invalid Content-Length"
        case .repeatedContentLength: "more than one Content-Length"
        case .contentLengthWithTransferEncoding: "Content-Length beside Transfer-Encoding"
        case .invalidTransferEncoding: "a transfer coding other than chunked, once"
        case .repeatedTransferEncoding: "more than one Transfer-Encoding"
        case .transferEncodingInHTTP10: "Transfer-Encoding in HTTP/1.0"
        case .unsupportedExpectation: "an expectation other than 100-continue"
        case .invalidChunkSize: "an invalid chunk size"
        case .chunkSizeOverflow: "a chunk size beyond all bounds"
        case .invalidChunkExtension: "an invalid chunk extension"
        case .tooMuchChunkOverhead: "more chunk framing than content"
        case .invalidChunkEnd: "a chunk that does not end where it said"
        case .trailersTooLarge: "a trailer section that is too large"
        case .cutShort: "a message that was cut short"
        }
    }

    /// The status of the response to a request refused for this. A response refused for it becomes 502 whatever it is.
    package var status: UInt16 {
        switch self {
        case .targetTooLong: 414
        case .unsupportedExpectation: 417
        case .tooManyFields, .headTooLarge, .trailersTooLarge: 431
        case .methodTooLong, .connectNotSupported: 501
        case .unsupportedVersion: 505
        default: 400
        }
    }
}
