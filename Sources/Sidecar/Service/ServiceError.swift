// SPDX-License-Identifier: Apache-2.0

/// Why the service cannot start, or a configuration cannot take effect.
package struct ServiceError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
