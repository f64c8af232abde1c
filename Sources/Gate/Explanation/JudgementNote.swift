// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP

/// What a request was judged by, in words for the log of a running gate (`log.level: debug`). Holds nothing that the client
/// sent.
package struct JudgementNote: Equatable, Sendable {
    /// `access.rules[2]`, or several where apps may read the path in several ways; `access.default` where no rule matches;
    /// empty for the gate's own paths.
    package let rule: String
    /// `valid`, `none`, the reason code of the refusal, or `store` where a store has to be asked.
    package let session: String

    /// - Parameter rules: those that decide; nil: no rule applies.
    init(_ rules: [Int?]?, _ session: SessionVerdict) {
        rule = (rules ?? []).map { $0.map { "access.rules[\($0)]" } ?? "access.default" }.joined(separator: ", ")
        self.session =
            switch session {
            case .valid: "valid"
            case .none: "none"
            case .refused(let reason): reason.rawValue
            case .needsLookup, .storeUnavailable: "store"
            }
    }
}
