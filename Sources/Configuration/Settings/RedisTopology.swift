// SPDX-License-Identifier: Apache-2.0

/// Which servers make up the store that replicas share, and how the one for a command is found.
package enum RedisTopology: Equatable, Sendable {
    /// One server, or a name that always leads to the primary.
    case single(RedisAddress.Location)
    /// The sentinels of `sentinels` say which server is the primary named `master`.
    case sentinel(sentinels: [ServerAddress], master: String, database: Int)
    /// Each server of the cluster says which one has which slot; these are asked first.
    case cluster(seeds: [ServerAddress])

    /// For messages, without user and password.
    package var words: String {
        switch self {
        case .single(let location): location.words
        case .sentinel(let sentinels, let master, _): "\(master) (sentinels \(Self.words(sentinels)))"
        case .cluster(let seeds): "the cluster of \(Self.words(seeds))"
        }
    }

    /// The option that names the servers.
    package var optionPath: String {
        switch self {
        case .single: RedisOptions.url.inline.path
        case .sentinel: RedisOptions.sentinels.path
        case .cluster: RedisOptions.cluster.path
        }
    }

    package var database: Int {
        switch self {
        case .single(let location): location.database
        case .sentinel(_, _, let database): database
        case .cluster: 0
        }
    }

    var location: RedisAddress.Location? { if case .single(let location) = self { location } else { nil } }

    var sentinels: [ServerAddress]? { if case .sentinel(let sentinels, _, _) = self { sentinels } else { nil } }

    var master: String? { if case .sentinel(_, let master, _) = self { master } else { nil } }

    var seeds: [ServerAddress]? { if case .cluster(let seeds) = self { seeds } else { nil } }

    private static func words(_ addresses: [ServerAddress]) -> String {
        addresses.prefix(shown).map(\.description).joined(separator: ", ") + (addresses.count > shown ? ", …" : "")
    }

    private static let shown = 5
}
