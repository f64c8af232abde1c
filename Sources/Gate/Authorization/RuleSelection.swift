// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The rules by the hosts and networks that they are for: those that are for the same ones are a group. A request looks at
/// the groups of its host and client alone, so what it costs does not grow with their number.
///
/// A client that is not known (``ClientAddress``) is in no network, so nothing is opened for it. It might be in any, so no
/// rule that closes something to a network is avoided by hiding an address: all those rules are a group of their own, which
/// is in doubt for such a client.
struct RuleSelection: Sendable {
    /// The groups that a request looks at beside the one of rules for every host and client, which is number 0.
    struct Groups: Sendable {
        /// Their rules apply.
        var certain: [Int] = []
        /// Each of their rules might apply.
        var inDoubt: [Int] = []
    }

    /// What a group's rules have in common. 0: every host, or every client.
    private struct Key: Hashable {
        let hosts: Int
        let networks: Int

        /// In place of networks: the rules that close something to some network.
        static let closing = -1
    }

    private struct NetworkLength: Sendable {
        let prefixLength: Int
        var lists: [CIDR: [Int]] = [:]
    }

    private var hosts = HostTable()
    private var networks: [NetworkLength] = []
    private var groups: [Key: Int] = [Key(hosts: 0, networks: 0): 0]
    /// The rules of each group, ascending.
    private(set) var members: [[Int]] = [[]]

    init(_ rules: [AccessRule]) {
        var hostLists: [[String]: Int] = [[]: 0]
        var networkLists: [[CIDR]: Int] = [[]: 0]
        for (index, rule) in rules.enumerated() {
            let newHosts = hostLists.count
            let hostList = hostLists[rule.hosts] ?? newHosts
            if hostList == newHosts {
                hostLists[rule.hosts] = newHosts
                for host in Set(rule.hosts) { hosts.add(host, newHosts) }
            }
            let newNetworks = networkLists.count
            let networkList = networkLists[rule.from] ?? newNetworks
            if networkList == newNetworks {
                networkLists[rule.from] = newNetworks
                for network in Set(rule.from) { add(network, newNetworks) }
            }
            join(index, Key(hosts: hostList, networks: networkList))
            if networkList > 0, rule.effect != .anyone { join(index, Key(hosts: hostList, networks: Key.closing)) }
        }
    }

    /// Some rule is for certain hosts or networks.
    var isNeeded: Bool { groups.count > 1 }

    private mutating func add(_ network: CIDR, _ list: Int) {
        let length = network.prefixLength
        if let index = networks.firstIndex(where: { $0.prefixLength == length }) {
            networks[index].lists[network, default: []].append(list)
        } else {
            networks.append(NetworkLength(prefixLength: length, lists: [network: [list]]))
        }
    }

    private mutating func join(_ rule: Int, _ key: Key) {
        if let group = groups[key] {
            members[group].append(rule)
        } else {
            groups[key] = members.count
            members.append([rule])
        }
    }

    /// - Parameters:
    ///   - host: an authority, in any case; empty: unknown.
    ///   - client: nil: not known.
    func groups(host: Span<UInt8>, client: IPAddress?) -> Groups {
        var hostLists = [0]
        hosts.forEach(matching: host.extracting(HostName.place(in: host))) { hostLists.append($0) }
        var networkLists = [0]
        for networks in networks {
            guard let client, !client.isV4 || networks.prefixLength >= 96 else { continue }
            networkLists += networks.lists[CIDR(client, prefixLength: networks.prefixLength)] ?? []
        }
        var found = Groups()
        // A list is found once for each of its names or networks that match.
        let distinctNetworkLists = Set(networkLists)
        for hosts in Set(hostLists) {
            for networks in distinctNetworkLists {
                if let group = groups[Key(hosts: hosts, networks: networks)], group > 0 { found.certain.append(group) }
            }
            if client == nil, let group = groups[Key(hosts: hosts, networks: Key.closing)] {
                found.inDoubt.append(group)
            }
        }
        return found
    }
}
