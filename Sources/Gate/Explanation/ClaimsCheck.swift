// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT
import Pages

/// What the gate asks of the claims of a token whose signature and times are good, for `sidegate explain`.
///
/// The same field matching as at a sign-in, without the sign-in.
package struct ClaimsCheck {
    private let matching: ClaimMapping

    package init(claims: [ClaimRule], required: [String], acceptsUnverifiedEmail: Bool = false) {
        matching = ClaimMapping(claims, required: required, acceptsUnverifiedEmail: acceptsUnverifiedEmail)
    }

    /// The fields with their values in the order of the config, and what was left out; or the reason and the field it is
    /// about.
    package func examine(_ claims: JSONValue) -> Result<Finding, Refusal> {
        do {
            let result = try matching.map(claims)
            return .success(
                Finding(fields: result.fields.fields.map { ($0.name, $0.values) }, omissions: result.omissions))
        } catch {
            return .failure(
                Refusal(reason: error.reason, field: error.field, problem: error.problem.sentence(about: error.field)))
        }
    }

    package struct Finding: Sendable {
        package let fields: [(field: String, values: [String])]
        /// Sentences.
        package let omissions: [String]
    }

    /// The claims hold an address that does not count.
    package static func hasUnverifiedEmail(_ claims: JSONValue) -> Bool {
        var claims = claims
        return ClaimMapping.removeUnverifiedEmail(from: &claims)
    }

    package struct Refusal: Error, Equatable, Sendable, CustomStringConvertible {
        package let reason: Reason
        package let field: String
        /// A sentence that names the field, and the limit where one is exceeded.
        package let problem: String

        package var description: String { "\(reason.rawValue): \(field)" }
    }
}
