// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Reason {
    /// The English texts of a reason that pages show, which the documentation has too; nil for one that is reported
    /// elsewhere only.
    package var text: ReasonText? { Catalogue.english.own(self) }
}
