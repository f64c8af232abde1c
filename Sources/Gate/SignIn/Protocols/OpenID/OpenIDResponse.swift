// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import Pages

/// The authorization response (RFC 6749 §4.1.2): a code or an error, and perhaps its issuer (RFC 9207). The browser
/// brings it, so nothing in it is proven.
struct OpenIDResponse {
    let issuer: [UInt8]?
    private let code: [UInt8]?
    private let error: [UInt8]?

    /// RFC 6749 §3.1: no parameter more than once. Of two, another reader could take the other one.
    init(_ parameters: Parameters) throws(OpenIDRefusal) {
        for name in ["code", "error", "iss", "state"] where parameters.values(name).count > 1 {
            throw OpenIDRefusal(
                .tokenMalformed,
                "the response has \(name) more than once; fix: see that the redirect URI registered at the provider has no query"
            )
        }
        code = parameters.values("code").first
        error = parameters.values("error").first
        issuer = parameters.values("iss").first
    }

    var isError: Bool { error != nil }

    /// A code comes in the way that the authorization request named, and in no other: a form keeps it out of histories and
    /// logs. Errors of some providers come in the URL all the same, and sign nobody in.
    func checkMode(isForm: Bool, _ mode: OpenIDResponseMode) throws(OpenIDRefusal) {
        guard code != nil, error == nil, isForm != (mode == .formPost) else { return }
        throw OpenIDRefusal(
            .tokenMissing,
            "the response came \(isForm ? "in a form" : "in the URL"), and identityProvider.responseMode is \(mode.rawValue);"
                + " fix: set it to \((isForm ? OpenIDResponseMode.formPost : .query).rawValue), or have the provider heed"
                + " response_mode",
            cause: .otherResponseMode(isForm: isForm))
    }

    /// What a response holds, for logs: bounded, and visible ASCII. Only in a response to an attempt of this browser.
    static func shown(_ value: [UInt8]) -> String {
        guard !value.isEmpty else { return "empty" }
        guard value.count <= maximumShownByteCount, value.allSatisfy({ 0x21...0x7e ~= $0 }) else {
            return "a text that is no issuer"
        }
        return String(decoding: value, as: UTF8.self)
    }

    /// The code of a response to an attempt of this browser.
    func provenCode() throws(OpenIDRefusal) -> [UInt8] {
        if let error {
            guard let code = Self.errorCode(error) else {
                throw OpenIDRefusal(
                    .providerError,
                    "an error code that is none; fix: the provider must send a code of RFC 6749 §4.1.2.1")
            }
            let detail = "\(code); fix: \(OpenIDAdvice.fix(errorCode: code) ?? OpenIDAdvice.unknownError)"
            throw OpenIDRefusal(.providerError, detail, cause: .providerError(code: code))
        }
        guard let code, !code.isEmpty else {
            throw OpenIDRefusal(
                .tokenMissing,
                "the response has neither code nor error; fix: allow the client the authorization code flow, with response_mode "
                    + "as in identityProvider.responseMode", cause: .providerSentNothing)
        }
        // RFC 6749 appendix A.11: visible ASCII and spaces. No provider has codes of this length.
        guard code.count <= Self.maximumCodeByteCount, code.allSatisfy({ 0x20...0x7e ~= $0 }) else {
            throw OpenIDRefusal(
                .tokenMalformed,
                "the response's code is longer than any, or not plain ASCII; fix: the response was altered on its way")
        }
        return code
    }

    /// Registered error codes are such words (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6); nil for anything else.
    private static func errorCode(_ text: [UInt8]) -> String? {
        guard !text.isEmpty, text.count <= 64,
            text.allSatisfy({
                0x61...0x7a ~= $0 || 0x41...0x5a ~= $0 || 0x30...0x39 ~= $0 || [0x5f, 0x2d, 0x2e].contains($0)
            })
        else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    static let maximumCodeByteCount = 8 * 1024
    private static let maximumShownByteCount = 256
}
