// SPDX-License-Identifier: Apache-2.0

import HTTP2

/// The codes with which HTTP/2 ends a stream (RFC 9113 §5.4.2).
extension StreamEnd {
    /// From the app's code: what it says about the request, and `failed` where it is about the connection between the
    /// app and the proxy, of which the client knows nothing.
    ///
    /// Two more are never passed on. REFUSED_STREAM promises that nothing was done (§8.7), which may no longer be so.
    /// After NO_ERROR clients take what they have for the whole response (§8.1), which it is not.
    init(_ code: ErrorCode) {
        switch code {
        case .cancel: self = .cancelled
        case .connectError: self = .connectFailed
        case .enhanceYourCalm: self = .excessive
        case .internalError, .noError, .protocolError, .flowControlError, .settingsTimeout, .streamClosed,
            .frameSizeError, .refusedStream, .compressionError, .inadequateSecurity, .http11Required:
            self = .failed
        }
    }
}

extension ErrorCode {
    /// The code that a client gets.
    init(_ end: StreamEnd) {
        switch end {
        case .failed: self = .internalError
        case .cancelled: self = .cancel
        case .connectFailed: self = .connectError
        case .excessive: self = .enhanceYourCalm
        }
    }
}
