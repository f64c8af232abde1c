// SPDX-License-Identifier: Apache-2.0

/// `state`
package struct StateSettings: Sendable {
    /// Absolute, or relative to the working directory.
    package var directory: String
    /// Where it stands.
    package var origin: SourceLocation
}
