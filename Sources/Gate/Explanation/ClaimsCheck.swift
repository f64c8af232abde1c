// SPDX-License-Identifier: Apache-2.0

import Decisions
import JWT

/// What the gate asks of the claims of a token whose signature and times are good, for `sidegate explain`.
///
/// The same field matching as at a sign-in, without the sign-in.
package struct ClaimsCheck {
    private let matching: ClaimMapping

    package init(claims: [ClaimRule], required: [String]) {
        matching = ClaimMapping(claims, required: required)
    }

    /// The fields with their values in the order of the config; or the reason and the field it is about.
    package func examine(_ claims: JSONValue) -> Result<[(field: String, values: [String])], Refusal> {
        do {
            return .success(try matching.fields(of: claims).fields.map { ($0.name, $0.values) })
        } catch {
            return .failure(Refusal(reason: error.reason, field: error.field))
        }
    }

    package struct Refusal: Error, Equatable, Sendable, CustomStringConvertible {
        package let reason: Reason
        package let field: String

        package var description: String { "\(reason.rawValue): \(field)" }
    }
}
