// SPDX-License-Identifier: Apache-2.0

import Decisions

/// Why a message was rejected. The connection must then be closed: the end of the message is unknown.
///
/// The raw value is the case's name.
package enum HTTP1Error: String, Error, Equatable, Sendable, CaseIterable, CustomStringConvertible {
    // Bytes that are not allowed anywhere in a head.
    case bareCR
    case bareLF
    case mixedLineEnds
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

    // Meaning of fields.
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

    /// The code for logs. A rejected response is `upstream_malformed` whatever the error.
    package var reason: Reason {
        switch self {
        case .bareCR, .bareLF, .mixedLineEnds, .nul, .controlByte: .requestCharacterInvalid
        case .invalidMethod, .invalidTarget, .fragmentInTarget, .userInformationInTarget, .targetFormNotAllowed,
            .invalidVersion:
            .requestLineInvalid
        case .connectNotSupported, .unsupportedVersion, .unsupportedExpectation: .requestNotSupported
        case .methodTooLong, .targetTooLong, .fieldNameTooLong, .tooManyFields, .headTooLarge, .trailersTooLarge:
            .requestHeadTooLarge
        case .emptyFieldName, .invalidFieldName, .ambiguousFieldName, .spaceBeforeColon, .foldedField:
            .requestFieldInvalid
        case .missingHost, .repeatedHost, .invalidHost: .requestHostInvalid
        case .invalidContentLength, .repeatedContentLength, .contentLengthWithTransferEncoding,
            .invalidTransferEncoding, .repeatedTransferEncoding, .transferEncodingInHTTP10:
            .requestFramingInvalid
        case .invalidChunkSize, .chunkSizeOverflow, .invalidChunkExtension, .tooMuchChunkOverhead, .invalidChunkEnd,
            .cutShort:
            .requestContentInvalid
        case .invalidStatusLine, .invalidStatus: .upstreamMalformed
        }
    }

    /// The code for logs of a rejected response.
    package var cause: UpstreamCause {
        switch self {
        case .bareCR, .bareLF, .mixedLineEnds: .lineEndInvalid
        case .nul, .controlByte: .characterInvalid
        case .unsupportedVersion: .versionNotSupported
        case .invalidVersion, .invalidStatusLine: .statusLineInvalid
        case .invalidStatus: .statusInvalid
        case .emptyFieldName, .invalidFieldName, .fieldNameTooLong: .fieldNameInvalid
        case .ambiguousFieldName: .fieldNameAmbiguous
        case .spaceBeforeColon: .spaceBeforeColon
        case .foldedField: .fieldFolded
        case .tooManyFields, .headTooLarge: .headTooLarge
        case .invalidContentLength: .contentLengthInvalid
        case .repeatedContentLength: .contentLengthRepeated
        case .contentLengthWithTransferEncoding: .contentLengthContradicted
        case .invalidTransferEncoding, .repeatedTransferEncoding, .transferEncodingInHTTP10: .transferEncodingInvalid
        case .invalidChunkSize, .chunkSizeOverflow, .invalidChunkExtension, .tooMuchChunkOverhead, .invalidChunkEnd:
            .chunkInvalid
        case .trailersTooLarge: .trailersInvalid
        case .cutShort: .closedInContent
        // Of requests only.
        case .invalidMethod, .methodTooLong, .connectNotSupported, .invalidTarget, .fragmentInTarget,
            .userInformationInTarget, .targetFormNotAllowed, .targetTooLong, .missingHost, .repeatedHost, .invalidHost,
            .unsupportedExpectation:
            .statusLineInvalid
        }
    }

    /// A description for logs; it never contains data from the peer.
    package var description: String {
        switch self {
        case .bareCR: "a CR that is not followed by LF"
        case .bareLF: "an LF without CR"
        case .mixedLineEnds: "a CRLF in a head whose first line ends in LF without CR"
        case .nul: "a NUL"
        case .controlByte: "a control character"
        case .invalidMethod: "an invalid method"
        case .methodTooLong: "a method that is too long"
        case .connectNotSupported: "CONNECT"
        case .invalidTarget: "an invalid request target"
        case .fragmentInTarget: "a '#' in the request target"
        case .userInformationInTarget: "user information in the request target"
        case .targetFormNotAllowed: "a form of request target that the method does not allow"
        case .targetTooLong: "a request line that is too long"
        case .invalidVersion: "an invalid HTTP version"
        case .unsupportedVersion: "an HTTP version that is not supported"
        case .invalidStatusLine: "an invalid status line"
        case .invalidStatus: "a status code outside 100 to 599"
        case .emptyFieldName: "an empty field name"
        case .invalidFieldName: "an invalid field name"
        case .fieldNameTooLong: "a field name that is too long"
        case .ambiguousFieldName: "a field name that app servers could confuse with a framing field"
        case .spaceBeforeColon: "white space between a field name and its colon"
        case .foldedField: "a folded field line"
        case .tooManyFields: "too many fields"
        case .headTooLarge: "a header section that is too large"
        case .missingHost: "no Host"
        case .repeatedHost: "more than one Host"
        case .invalidHost: "an invalid Host"
        case .invalidContentLength: "an invalid Content-Length"
        case .repeatedContentLength: "more than one Content-Length"
        case .contentLengthWithTransferEncoding: "both Content-Length and Transfer-Encoding"
        case .invalidTransferEncoding: "a transfer coding other than chunked, once"
        case .repeatedTransferEncoding: "more than one Transfer-Encoding"
        case .transferEncodingInHTTP10: "Transfer-Encoding in HTTP/1.0"
        case .unsupportedExpectation: "an expectation other than 100-continue"
        case .invalidChunkSize: "an invalid chunk size"
        case .chunkSizeOverflow: "a chunk size that is too large"
        case .invalidChunkExtension: "an invalid chunk extension"
        case .tooMuchChunkOverhead: "more chunk framing than content"
        case .invalidChunkEnd: "a chunk that is longer than its size"
        case .trailersTooLarge: "a trailer section that is too large"
        case .cutShort: "an incomplete message"
        }
    }

    /// The status of the response to a rejected request. A rejected response always results in 502.
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
