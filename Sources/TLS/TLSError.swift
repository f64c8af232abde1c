// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Reactor

/// Why there is no secure connection, or no context for one. The texts are for humans.
package enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The peer's certificate is not trusted; why.
    case certificate(String)
    /// The peer sent a fatal alert (RFC 8446 §6); which.
    case refused(String)
    /// The received bytes are not TLS, or break its rules.
    case malformed(String)
    /// The connection ended without close_notify: its data may be truncated.
    case closed
    case timeout
    /// The system's reason for a broken connection.
    case system(Int32)
    /// Certificates, keys or names that cannot be used for a connection.
    case configuration(String)

    package static let notSpoken = TLSError.malformed("the peer does not speak TLS")

    /// The fault is the peer's, and is reported to it by a fatal alert (RFC 8446 §6.2).
    var isAnsweredByAlert: Bool {
        switch self {
        case .certificate, .malformed: true
        case .refused, .closed, .timeout, .system, .configuration: false
        }
    }

    package var description: String {
        switch self {
        case .certificate(let reason): reason
        case .refused(let alert): "the peer refused: \(alert)"
        case .malformed(let what): what
        case .closed: "the peer closed the connection"
        case .timeout: "the handshake took too long"
        case .system(let code): SystemError.message(code)
        case .configuration(let what): what
        }
    }
}

/// libssl's error queue, which belongs to a thread (and a loop may change threads): emptied before each use.
enum ErrorQueue {
    @inline(__always)
    static func empty() {
        // Checking costs less than emptying all entries, and usually there are none.
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// The latest failure in libssl's words; leaves the queue empty.
    static func takeText() -> String {
        defer { ERR_clear_error() }
        let code = ERR_peek_last_error()
        guard code != 0, let reason = unsafe ERR_reason_error_string(code) else { return "no reason given" }
        return unsafe String(cString: reason)
    }

    /// The cause of a failed operation on `ssl`; leaves the queue empty.
    ///
    /// - Parameters:
    ///   - systemError: the socket's error, if that is the cause.
    ///   - name: the name that the certificate must be for.
    static func takeFailure(of ssl: OpaquePointer, systemError: Int32, name: String) -> TLSError {
        defer { ERR_clear_error() }
        // The first error is the cause, the others its consequences.
        let code = ERR_peek_error()
        guard code != 0 else { return systemError != 0 ? .system(systemError) : .closed }
        let reason = ERR_GET_REASON(code)
        let text = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        guard ERR_GET_LIB(code) == ERR_LIB_SSL else { return .malformed(text) }
        switch reason {
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            return .certificate(verifyText(unsafe SSL_get_verify_result(ssl), name: name))
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return .certificate("the peer has no certificate")
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return .closed
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG:
            return .notSpoken
        case SSL_AD_REASON_OFFSET..<(SSL_AD_REASON_OFFSET + 256):
            let alert = unsafe SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET).map {
                unsafe String(cString: $0)
            }
            // Those of TLS 1.3 have no such name.
            return .refused(alert.flatMap { $0 == "unknown" ? nil : $0 } ?? text)
        default:
            return .malformed(text)
        }
    }

    private static func verifyText(_ result: Int, name: String) -> String {
        switch Int32(truncatingIfNeeded: result) {
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return "the certificate is not for \(name)"
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return "the certificate is from an authority that is not trusted"
        default:
            guard let text = unsafe X509_verify_cert_error_string(result) else { return "the certificate is not valid" }
            return unsafe String(cString: text)
        }
    }
}
