// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// A certificate and its issuers, in the order of a PEM file: the leaf first (RFC 8446 §4.4.2).
@safe
package final class CertificateChain: @unchecked Sendable {
    // Sendable: never changed after it was made; libcrypto's reference counts are atomic.
    private let certificates: [OpaquePointer]
    /// Of the leaf, in seconds since 1970.
    package let notBefore: Int64
    package let notAfter: Int64
    /// The leaf's DNS names, in lower case; `*.example.com` for all hosts of that domain.
    package let names: [String]

    /// Reads a PEM text with one certificate or more, at most `maximum`; anything else in it is ignored.
    package init(pem: [UInt8], maximum: Int = 16) throws(CryptographyError) {
        let loaded = unsafe try OpenSSL.call { () throws(CryptographyError) in unsafe try Self.load(pem, maximum) }
        unsafe certificates = loaded
        guard let leaf = unsafe loaded.first, let begin = unsafe Self.seconds(X509_get0_notBefore(leaf)),
            let end = unsafe Self.seconds(X509_get0_notAfter(leaf))
        else {
            unsafe Self.free(loaded)
            throw .malformedKey("the certificate's dates cannot be read")
        }
        notBefore = begin
        notAfter = end
        names = OpenSSL.call { unsafe Self.dnsNames(leaf) }
    }

    deinit {
        unsafe Self.free(certificates)
    }

    /// Whether the leaf belongs to this key.
    package func isFor(_ key: PrivateKey) -> Bool {
        guard let leaf = unsafe certificates.first else { return false }
        return OpenSSL.call { unsafe key.withPointer { unsafe X509_check_private_key(leaf, $0) == 1 } }
    }

    /// A hash of all of them, in order.
    package var fingerprint: [UInt8] {
        var all: [UInt8] = []
        OpenSSL.call {
            unsafe certificates.forEach { certificate in
                var digest = [UInt8](repeating: 0, count: HashFunction.sha256.byteCount)
                if unsafe X509_digest(certificate, EVP_sha256(), &digest, nil) == 1 { all += digest }
            }
        }
        return SHA256.hash(all.span)
    }

    /// Provides the certificates to libssl.
    package func withPointers<Result>(_ body: ([OpaquePointer]) -> Result) -> Result {
        unsafe body(certificates)
    }

    private static func load(_ pem: [UInt8], _ maximum: Int) throws(CryptographyError) -> [OpaquePointer] {
        guard PEM.isPresent(in: pem.span) else { throw .malformedKey("no PEM block (-----BEGIN CERTIFICATE) in it") }
        var found: [OpaquePointer] = unsafe []
        var isFull = false
        let ended = unsafe PEM.withBIO(pem) { bio -> Bool? in
            while let certificate = unsafe PEM_read_bio_X509(bio, nil, PEM.refusePassword, nil) {
                unsafe found.append(certificate)
                if unsafe found.count > maximum {
                    isFull = true
                    return false
                }
            }
            // The end of the text is reported as an error too.
            return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
        }
        if ended == true, unsafe !found.isEmpty { return unsafe found }
        unsafe free(found)
        if isFull { throw .unsupportedKey("more than \(maximum) certificates") }
        throw .malformedKey(
            ended == true ? "there is no certificate in it" : "a certificate in it is damaged (\(OpenSSL.failure))")
    }

    private static func free(_ certificates: [OpaquePointer]) {
        unsafe certificates.forEach { unsafe X509_free($0) }
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        var (days, seconds): (Int32, Int32) = (0, 0)
        guard let epoch = unsafe ASN1_TIME_set(nil, 0) else { return nil }
        defer { unsafe ASN1_TIME_free(epoch) }
        guard unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return nil }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    private static func dnsNames(_ leaf: OpaquePointer) -> [String] {
        guard let raw = unsafe X509_get_ext_d2i(leaf, NID_subject_alt_name, nil, nil) else {
            return unsafe commonName(leaf).map { [$0] } ?? []
        }
        let list = OpaquePointer(raw)
        defer { unsafe GENERAL_NAMES_free(list) }
        var names: [String] = []
        for index in 0..<(unsafe sidegate_general_name_count(list)) {
            var count = 0
            guard let bytes = unsafe sidegate_dns_name(list, index, &count), 1...253 ~= count else { continue }
            let text = unsafe String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
            names.append(text.lowercased())
        }
        return names
    }

    /// Used for certificates without alternative names.
    private static func commonName(_ leaf: OpaquePointer) -> String? {
        var text = [CChar](repeating: 0, count: 254)
        let subject = unsafe X509_get_subject_name(leaf)
        let count = unsafe X509_NAME_get_text_by_NID(subject, NID_commonName, &text, Int32(text.count))
        guard 1...253 ~= count else { return nil }
        return String(decoding: text.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self).lowercased()
    }
}
