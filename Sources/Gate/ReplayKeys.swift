// SPDX-License-Identifier: Apache-2.0

/// The keys that stand for a token in a replay store, and the group to which they belong.
///
/// A store that is divided among servers keeps all keys of one group on one of them, since it checks and records several
/// keys in one atomic step. Two presentations of one token must therefore always belong to one group, and so must two
/// tokens of which one key is the same:
///
/// - The group is a function of the signed text alone: the digest of issuer and `jti` if the token has a `jti`, or else of
///   the text. So one token has one group, whichever provider's name its keys carry, wherever that provider stands in the
///   list, and whether or not `token.minimumIDLength` makes `jti` count, on this replica or on another one.
/// - Two tokens have a key in common only if their text is the same, or issuer and `jti` are. Their group is the same
///   in both cases.
///
/// The keys alone would not do: which of them exist depends on the configuration, and replicas differ in theirs while it
/// is being changed.
package struct ReplayKeys: Sendable, Equatable {
    /// The token is used when one of them is.
    package let names: [[UInt8]]
    package let group: [UInt8]

    package init(_ names: [[UInt8]], group: [UInt8]) {
        self.names = names
        self.group = group
    }

    /// A key that has nothing in common with any other.
    package init(_ name: [UInt8]) {
        self.init([name], group: name)
    }

    /// Of a token that is not used up.
    package static let none = ReplayKeys([], group: [])
}
