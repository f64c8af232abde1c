// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP

/// What the gate makes of an authorization response of OpenID Connect, for `sidegate explain`: as far as the address shows
/// that the browser comes to. The code is neither shown nor redeemed.
package struct ResponseCheck {
    package private(set) var findings: [ReturnCheck.Finding] = []
    /// Where the browser would come to, if the address names a host.
    package let origin: PublicOrigin?
    /// It comes to the return path, or names no path.
    package let isForReturnPath: Bool
    /// It says that it comes from this issuer.
    package let namesIssuer: Bool

    /// Nil: it is none, since it brings neither a code nor an error.
    ///
    /// - Parameters:
    ///   - address: a URL, or `/path?query`; without either, the fields of a form.
    ///   - mode: the configured one. What names no path may have come in a form.
    package init?(_ address: [UInt8], issuer: String, returnPath: String, mode: OpenIDResponseMode) {
        let address = ReturnAddress(address)
        let parameters = Parameters(form: address.query)
        guard ["code", "error"].contains(where: { !parameters.values($0).isEmpty }) else { return nil }
        origin = address.origin
        let path = address.path.map { ReturnCheck.pathFinding($0, returnPath) }
        isForReturnPath = path?.reason == nil
        let issuers = parameters.values("iss")
        namesIssuer = issuers.count == 1 && issuers[0].elementsEqual(issuer.utf8)
        if let path { findings.append(path) }
        findings.append(Self.response(parameters, address.path == nil ? .query : mode))
        findings.append(Self.state(parameters))
        findings.append(Self.issuer(issuers, issuer))
    }

    /// - Parameter mode: that a response in the URL has to be of.
    private static func response(_ parameters: Parameters, _ mode: OpenIDResponseMode) -> ReturnCheck.Finding {
        let expected = "a code, and no parameter twice"
        let codes: [UInt8]
        do throws(OpenIDRefusal) {
            let response = try OpenIDResponse(parameters)
            try response.checkMode(isForm: false, mode)
            codes = try response.provenCode()
        } catch {
            return ReturnCheck.Finding(
                name: "response", reason: error.reason, expected: expected, actual: Self.words(error.detail).actual,
                fix: Self.words(error.detail).fix)
        }
        return ReturnCheck.Finding(
            name: "response", reason: nil, expected: expected,
            actual: "a code of \(codes.count) characters; only the gate can redeem it", fix: "")
    }

    /// The parts of a detail for the log.
    private static func words(_ detail: String?) -> (actual: String, fix: String) {
        guard let detail, let mark = detail.utf8.firstRange(of: "; fix: ".utf8) else { return (detail ?? "", "") }
        return (String(detail[..<mark.lowerBound]), String(detail[mark.upperBound...]))
    }

    private static func state(_ parameters: Parameters) -> ReturnCheck.Finding {
        let expected = "the state of an attempt of the browser"
        let states = parameters.values("state")
        guard states.count <= 1, states.first.flatMap({ LoginAttemptID($0) }) == nil else {
            return ReturnCheck.Finding(
                name: "state", reason: nil, expected: expected, actual: "only the browser that began has its cookie",
                fix: "")
        }
        return ReturnCheck.Finding(
            name: "state", reason: .loginStateMissing, expected: expected,
            actual: states.isEmpty ? "none" : "one that the gate has not made",
            fix: "let the sign-in begin at the app: a portal's link leads to publicURL, not to the return path")
    }

    private static func issuer(_ issuers: [[UInt8]], _ issuer: String) -> ReturnCheck.Finding {
        let isGood = issuers.isEmpty || (issuers.count == 1 && issuers[0].elementsEqual(issuer.utf8))
        let shown = issuers.map { String(decoding: $0.prefix(200), as: UTF8.self) }
        return ReturnCheck.Finding(
            name: "iss", reason: isGood ? nil : .issuerMismatch,
            expected: issuer,
            actual: shown.isEmpty ? "none, which some providers do not send" : shown.joined(separator: ", "),
            fix: isGood
                ? ""
                : "set identityProvider.issuer to the issuer that the provider writes, unless the response is another provider's"
        )
    }
}
