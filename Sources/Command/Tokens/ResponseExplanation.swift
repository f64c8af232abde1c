// SPDX-License-Identifier: Apache-2.0

import Configuration
import Decisions
import Gate
import JWT

/// The report of `explain` about an authorization response of OpenID Connect: the address that a provider has sent a browser
/// to, or its form. No connection is made, and the code is not shown.
struct ResponseExplanation {
    let isRefused: Bool
    let text: String

    /// Nil: it is none, or no provider uses OpenID Connect.
    ///
    /// - Parameter candidates: the settings with one provider each.
    init?(of address: [UInt8], _ candidates: [Settings]) {
        let checks = candidates.compactMap { settings -> (Settings, ResponseCheck)? in
            let provider = settings.identityProvider
            guard let openID = provider.openID,
                let check = ResponseCheck(
                    address, issuer: openID.issuer, returnPath: provider.returnPath, mode: openID.responseMode)
            else { return nil }
            return (settings, check)
        }
        // As the gate does, by the path; where it is nobody's, by what the response says of itself.
        let chosen = checks.first { $0.1.isForReturnPath } ?? checks.first { $0.1.namesIssuer } ?? checks.first
        guard let (settings, check) = chosen else { return nil }
        let name = settings.providers[0].name
        var lines = name.isEmpty ? [] : ["provider \(name)"]
        lines += check.findings.map { Explanation.line(Explanation.check($0)) }
        if let note = Explanation.note(on: check.origin, settings) { lines.append(Explanation.line(note)) }
        let failure = check.findings.lazy.compactMap(\.reason).first
        lines.append(failure.map { "refused: \($0.rawValue)" } ?? "undecided: the tokens for the code decide")
        isRefused = failure != nil
        text = lines.map { $0 + "\n" }.joined()
    }
}
