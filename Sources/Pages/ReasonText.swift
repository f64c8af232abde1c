// SPDX-License-Identifier: Apache-2.0

import Decisions

/// The texts for a reason: for the user on a page, and for the operator in the documentation.
package struct ReasonText: Equatable, Sendable {
    /// A heading, without a full stop.
    package let title: String
    /// What happened, in plain words.
    package let happened: String
    /// What the user can do.
    package let advice: String
    /// What the administrator of the site or the identity provider should check.
    package let fix: String
}
