// SPDX-License-Identifier: Apache-2.0

import HTTP

/// A block of addresses as it was written, and what it means.
package struct Network: Hashable, Sendable, CustomStringConvertible {
    package let text: String
    package let block: CIDR

    init(_ text: String) throws(SyntaxProblem) {
        guard let block = CIDR(text) else {
            throw SyntaxProblem("this is no address block; write 10.0.0.0/8, fd00::/8 or one address")
        }
        self.text = text
        self.block = block
    }

    package var description: String { text }
}
