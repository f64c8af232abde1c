// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Keys and certificates as text (RFC 7468).
package enum PEM {
    /// Whether the text contains a PEM block of any kind, at any position.
    package static func isPresent(in text: Span<UInt8>) -> Bool {
        firstLabel(in: text) != nil || contains("-----BEGIN", text)
    }

    /// The public key of the first block, which is a public key or a certificate.
    ///
    /// A certificate only carries its key here: the operator who configures it trusts it, so its dates and issuer are
    /// not checked.
    package static func publicKey(_ text: [UInt8]) throws(CryptographyError) -> PublicKey {
        guard let label = firstLabel(in: text.span) else { throw .malformedKey("no PEM block (-----BEGIN …) in it") }
        let key = try OpenSSL.call { () throws(CryptographyError) in
            switch label {
            case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE":
                return try certificateKey(text)
            case "PUBLIC KEY", "RSA PUBLIC KEY":
                guard
                    let pointer = unsafe withBIO(
                        text, { bio in unsafe PEM_read_bio_PUBKEY(bio, nil, refusePassword, nil) })
                else { throw .malformedKey("the PEM block does not hold a public key (\(OpenSSL.failure))") }
                return unsafe AsymmetricKey(adopting: pointer)
            case _ where label.hasSuffix("PRIVATE KEY"):
                throw .malformedKey("a private key; verification requires the public key or the certificate")
            default:
                throw .malformedKey("a PEM block of the kind \(label); a public key or a certificate is needed")
            }
        }
        return try PublicKey(checking: key)
    }

    /// The private key in the text, unencrypted (PKCS #8, or the older forms for RSA and EC).
    static func privateKey(_ text: [UInt8]) throws(CryptographyError) -> AsymmetricKey {
        guard let label = firstLabel(in: text.span) else { throw .malformedKey("no PEM block (-----BEGIN …) in it") }
        guard label.hasSuffix("PRIVATE KEY") || label == "EC PARAMETERS" else {
            throw .malformedKey("a PEM block of the kind \(label); a private key is needed")
        }
        guard label != "ENCRYPTED PRIVATE KEY", !contains("Proc-Type: 4,ENCRYPTED", text.span) else {
            throw .unsupportedKey("an encrypted private key; remove its passphrase first (openssl pkey)")
        }
        return try OpenSSL.call { () throws(CryptographyError) in
            guard
                let pointer = unsafe withBIO(
                    text, { bio in unsafe PEM_read_bio_PrivateKey(bio, nil, refusePassword, nil) })
            else { throw .malformedKey("the PEM block does not hold a private key (\(OpenSSL.failure))") }
            return unsafe AsymmetricKey(adopting: pointer)
        }
    }

    /// One block, in lines of 64 characters (RFC 7468 §2).
    static func text(_ der: [UInt8], label: String) -> String {
        var text = "-----BEGIN \(label)-----\n"
        var rest = Base64.encode(der.span)[...]
        while !rest.isEmpty {
            text += String(decoding: rest.prefix(64), as: UTF8.self) + "\n"
            rest = rest.dropFirst(64)
        }
        return text + "-----END \(label)-----\n"
    }

    private static func certificateKey(_ text: [UInt8]) throws(CryptographyError) -> AsymmetricKey {
        guard
            let certificate = unsafe withBIO(
                text, { bio in unsafe PEM_read_bio_X509(bio, nil, refusePassword, nil) })
        else { throw .malformedKey("the PEM block does not hold a certificate (\(OpenSSL.failure))") }
        defer { unsafe X509_free(certificate) }
        guard let pointer = unsafe X509_get_pubkey(certificate) else {
            throw .unsupportedKey("the certificate's key has an unsupported type (\(OpenSSL.failure))")
        }
        return unsafe AsymmetricKey(adopting: pointer)
    }

    /// The label of the first block: the text between `-----BEGIN ` and `-----`.
    private static func firstLabel(in text: Span<UInt8>) -> String? {
        guard let begin = position("-----BEGIN ", text, from: 0) else { return nil }
        let start = begin + 11
        guard let end = position("-----", text, from: start), end - start <= 64 else { return nil }
        var label: [UInt8] = []
        for index in start..<end { label.append(text[index]) }
        return String(validating: label, as: UTF8.self)
    }

    private static func contains(_ pattern: StaticString, _ text: Span<UInt8>) -> Bool {
        position(pattern, text, from: 0) != nil
    }

    private static func position(_ pattern: StaticString, _ text: Span<UInt8>, from start: Int) -> Int? {
        let pattern = unsafe UnsafeBufferPointer(start: pattern.utf8Start, count: pattern.utf8CodeUnitCount)
        guard text.count >= pattern.count, start <= text.count - pattern.count else { return nil }
        return (start...text.count - pattern.count).first { place in
            pattern.indices.allSatisfy { unsafe text[place + $0] == pattern[$0] }
        }
    }

    /// Provides the text to libcrypto as a readable BIO.
    static func withBIO<Result>(_ text: [UInt8], _ body: (OpaquePointer) -> Result?) -> Result? {
        unsafe text.withUnsafeBufferPointer { buffer in
            guard let size = Int32(exactly: buffer.count),
                let bio = unsafe BIO_new_mem_buf(buffer.baseAddress, size)
            else { return nil }
            defer { unsafe BIO_free(bio) }
            return unsafe body(bio)
        }
    }

    /// Provides no passphrase; libcrypto's default would prompt on the terminal.
    static let refusePassword:
        @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = { _, _, _, _ in
            -1
        }
}
