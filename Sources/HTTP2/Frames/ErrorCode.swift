// SPDX-License-Identifier: Apache-2.0

import Decisions

/// Why a stream or a connection ends (RFC 9113 §7).
package enum ErrorCode: UInt32, Sendable, Equatable {
    case noError = 0x0
    case protocolError = 0x1
    case internalError = 0x2
    case flowControlError = 0x3
    case settingsTimeout = 0x4
    case streamClosed = 0x5
    case frameSizeError = 0x6
    case refusedStream = 0x7
    case cancel = 0x8
    case compressionError = 0x9
    case connectError = 0xa
    case enhanceYourCalm = 0xb
    case inadequateSecurity = 0xc
    case http11Required = 0xd

    /// As the RFC writes it.
    package var name: StaticString {
        switch self {
        case .noError: "NO_ERROR"
        case .protocolError: "PROTOCOL_ERROR"
        case .internalError: "INTERNAL_ERROR"
        case .flowControlError: "FLOW_CONTROL_ERROR"
        case .settingsTimeout: "SETTINGS_TIMEOUT"
        case .streamClosed: "STREAM_CLOSED"
        case .frameSizeError: "FRAME_SIZE_ERROR"
        case .refusedStream: "REFUSED_STREAM"
        case .cancel: "CANCEL"
        case .compressionError: "COMPRESSION_ERROR"
        case .connectError: "CONNECT_ERROR"
        case .enhanceYourCalm: "ENHANCE_YOUR_CALM"
        case .inadequateSecurity: "INADEQUATE_SECURITY"
        case .http11Required: "HTTP_1_1_REQUIRED"
        }
    }
}

/// A fault in a header or trailer section: a stream error of type PROTOCOL_ERROR (RFC 9113 §8.1.1).
///
/// The raw value is the case's name; neither it nor the description contains data from the peer.
package enum MalformedHead: String, Error, Sendable, Equatable, CaseIterable, CustomStringConvertible {
    case invalidFieldName
    case upperCaseFieldName
    case invalidFieldValue
    case connectionSpecificField
    case invalidTE
    case unknownPseudoField
    case pseudoFieldAfterField
    case repeatedPseudoField
    case missingPseudoField
    case pseudoFieldNotAllowed
    case invalidMethod
    case invalidStatus
    case invalidScheme
    case invalidPath
    case invalidAuthority
    case differentHost
    case repeatedHost
    case invalidContentLength
    case repeatedContentLength
    case contentLengthDiffers
    case trailersWithoutEnd
    case pseudoFieldInTrailers
    case endedTunnel
    case endedInformational
    case contentBeforeHead
    case oversized

    /// The code for logs. A rejected response is `upstream_malformed` whatever the fault.
    package var reason: Reason {
        switch self {
        case .unknownPseudoField, .pseudoFieldAfterField, .repeatedPseudoField, .missingPseudoField,
            .pseudoFieldNotAllowed, .invalidMethod, .invalidScheme, .invalidPath:
            .requestLineInvalid
        case .invalidFieldName, .upperCaseFieldName, .invalidFieldValue, .connectionSpecificField, .invalidTE,
            .pseudoFieldInTrailers:
            .requestFieldInvalid
        case .invalidAuthority, .differentHost, .repeatedHost: .requestHostInvalid
        case .invalidContentLength, .repeatedContentLength, .contentLengthDiffers, .trailersWithoutEnd, .endedTunnel,
            .contentBeforeHead:
            .requestFramingInvalid
        case .oversized: .requestHeadTooLarge
        case .invalidStatus, .endedInformational: .upstreamMalformed
        }
    }

    /// The code for logs of a rejected response.
    package var cause: UpstreamCause {
        switch self {
        case .invalidFieldName, .upperCaseFieldName: .fieldNameInvalid
        case .invalidFieldValue, .connectionSpecificField, .invalidTE: .fieldInvalid
        case .invalidStatus: .statusInvalid
        case .unknownPseudoField, .pseudoFieldAfterField, .repeatedPseudoField, .missingPseudoField,
            .pseudoFieldNotAllowed:
            .statusLineInvalid
        case .invalidContentLength: .contentLengthInvalid
        case .repeatedContentLength: .contentLengthRepeated
        case .contentLengthDiffers: .contentLengthContradicted
        case .pseudoFieldInTrailers, .trailersWithoutEnd: .trailersInvalid
        case .endedInformational, .contentBeforeHead: .http2Violation
        case .oversized: .headTooLarge
        // Of requests only.
        case .invalidMethod, .invalidScheme, .invalidPath, .invalidAuthority, .differentHost, .repeatedHost,
            .endedTunnel:
            .statusLineInvalid
        }
    }

    package var description: String {
        switch self {
        case .invalidFieldName: "an invalid field name"
        case .upperCaseFieldName: "a field name with upper-case letters"
        case .invalidFieldValue: "an invalid field value"
        case .connectionSpecificField: "a connection-specific field"
        case .invalidTE: "a TE other than trailers"
        case .unknownPseudoField: "an unknown pseudo-header field"
        case .pseudoFieldAfterField: "a pseudo-header field after a field"
        case .repeatedPseudoField: "a repeated pseudo-header field"
        case .missingPseudoField: "a missing pseudo-header field"
        case .pseudoFieldNotAllowed: "a pseudo-header field that the method does not allow"
        case .invalidMethod: "an invalid method"
        case .invalidStatus: "an invalid status"
        case .invalidScheme: "a scheme other than http and https"
        case .invalidPath: "an invalid path"
        case .invalidAuthority: "an invalid authority"
        case .differentHost: "a Host that differs from the authority"
        case .repeatedHost: "more than one Host"
        case .invalidContentLength: "an invalid Content-Length"
        case .repeatedContentLength: "more than one Content-Length"
        case .contentLengthDiffers: "content that does not match Content-Length"
        case .trailersWithoutEnd: "a second header section that does not end the request"
        case .pseudoFieldInTrailers: "a pseudo-header field in trailers"
        case .endedTunnel: "an extended CONNECT that ends the stream"
        case .endedInformational: "a 1xx response that ends the stream"
        case .contentBeforeHead: "content before a head"
        case .oversized: "a section that is too large"
        }
    }
}
