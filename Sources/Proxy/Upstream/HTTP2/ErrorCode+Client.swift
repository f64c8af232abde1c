// SPDX-License-Identifier: Apache-2.0

import HTTP2

/// What becomes of the code with which the app has ended a stream (RFC 9113 §5.4.2).
extension ErrorCode {
    /// The code that the client gets whose response had begun: the app's own where it is about the request,
    /// INTERNAL_ERROR where it is about the connection between the app and us, of which the client knows nothing.
    ///
    /// Two more are never given on. REFUSED_STREAM promises that nothing was done (§8.7), which is no longer so. After
    /// NO_ERROR clients take what they have for the whole response (§8.1), which it is not.
    var forClient: ErrorCode {
        switch self {
        case .internalError, .cancel, .connectError, .enhanceYourCalm: self
        case .noError, .protocolError, .flowControlError, .settingsTimeout, .streamClosed, .frameSizeError,
            .refusedStream, .compressionError, .inadequateSecurity, .http11Required:
            .internalError
        }
    }

    /// The status, in decimal, of a gRPC call whose response had not begun: as gRPC itself reads the code, and never
    /// UNAVAILABLE, after which clients repeat calls that the app may have carried out.
    var statusOfGRPC: String {
        switch self {
        case .cancel: "1"
        case .enhanceYourCalm: "8"
        case .noError, .protocolError, .internalError, .flowControlError, .settingsTimeout, .streamClosed,
            .frameSizeError, .refusedStream, .compressionError, .connectError, .inadequateSecurity, .http11Required:
            "13"
        }
    }
}
