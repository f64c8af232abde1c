// SPDX-License-Identifier: Apache-2.0

/// An identity provider's preset: nothing but defaults, below everything that the user sets.
package struct Preset: Sendable {
    package let name: String
    /// Paths of the key table and values as in the file. A required key with a default here need not be given.
    let defaults: [(path: String, value: String)]

    package static let served: [Preset] = [
        Preset(name: "generic", defaults: [])
    ]

    /// Known names whose defaults need parts that this version does not have.
    package static let namesNotYet = ["ispring", "proprofs", "loginradius", "zendesk", "metabase"]
}
