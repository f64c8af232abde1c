// SPDX-License-Identifier: Apache-2.0

/// Why the service cannot start: something it names cannot be opened.
package struct ServiceError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
