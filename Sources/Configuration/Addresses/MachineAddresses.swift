// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTP

/// The names and addresses of this machine, as far as it knows them itself; no resolver is asked.
struct MachineAddresses: Sendable {
    let names: Set<String>
    let addresses: Set<IPAddress>

    init(names: Set<String>, addresses: Set<IPAddress>) {
        (self.names, self.addresses) = (names, addresses)
    }

    static func current() -> MachineAddresses {
        MachineAddresses(names: hostNames(), addresses: interfaceAddresses())
    }

    /// The host name, also without its domain.
    private static func hostNames() -> Set<String> {
        guard let name = HostName.current?.lowercased() else { return [] }
        return [name, String(name.prefix { $0 != "." })]
    }

    private static func interfaceAddresses() -> Set<IPAddress> {
        var found: Set<IPAddress> = []
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        defer { unsafe freeifaddrs(list) }
        var next = unsafe list
        while let entry = unsafe next {
            unsafe next = entry.pointee.ifa_next
            guard let address = unsafe entry.pointee.ifa_addr else { continue }
            switch Int32(unsafe address.pointee.sa_family) {
            case AF_INET:
                let bits = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
                found.insert(IPAddress(v4: UInt32(bigEndian: bits)))
            case AF_INET6:
                // The address begins after family, port and flow label.
                let bytes = UnsafeRawPointer(address)
                found.insert(
                    IPAddress(
                        high: UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                        low: UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))))
            default: break
            }
        }
        return found
    }
}

/// A host of a configuration, and whether two of them mean the same socket.
struct HostReach: Sendable {
    private enum Meaning {
        /// Every address of this machine; an IPv6 wildcard socket takes IPv4 connections too.
        case all, allV4
        case addresses(Set<IPAddress>)
        /// Only a resolver knows.
        case name(String)
    }

    private let meaning: Meaning
    private let machine: MachineAddresses

    init(_ host: String, on machine: MachineAddresses) {
        self.machine = machine
        var name = host.lowercased()
        while name.hasSuffix(".") { name.removeLast() }
        if name.isEmpty || name == "*" {
            meaning = .all
        } else if let address = IPAddress(text: name) {
            if address == Self.unspecifiedV6 {
                meaning = .all
            } else if address == Self.unspecifiedV4 {
                meaning = .allV4
            } else {
                meaning = .addresses([address])
            }
        } else if name == "localhost" || name.hasSuffix(".localhost") {
            meaning = .addresses(Self.loopback)
        } else if machine.names.contains(name) {
            meaning = .addresses(machine.addresses.union(Self.loopback))
        } else {
            meaning = .name(name)
        }
    }

    /// A connection to `target` arrives at a socket that listens on this host.
    func takes(_ target: HostReach) -> Bool {
        switch (meaning, target.meaning) {
        // To the unspecified address means to this machine.
        case (_, .all): takes(Self.loopback)
        case (_, .allV4): takes([Self.loopbackV4])
        case (.name(let one), .name(let other)): one == other
        case (_, .addresses(let addresses)): takes(addresses)
        case (_, .name): false
        }
    }

    private func takes(_ targets: Set<IPAddress>) -> Bool {
        switch meaning {
        case .all: targets.contains(where: isLocal)
        case .allV4: targets.contains { $0.isV4 && isLocal($0) }
        case .addresses(let own): !own.isDisjoint(with: targets)
        case .name: false
        }
    }

    /// Both cannot listen on the same port.
    func overlaps(_ other: HostReach) -> Bool {
        switch (meaning, other.meaning) {
        case (.all, _), (_, .all), (.allV4, .allV4), (.allV4, .name), (.name, .allV4): true
        case (.allV4, .addresses(let addresses)), (.addresses(let addresses), .allV4): addresses.contains(where: \.isV4)
        case (.addresses(let one), .addresses(let two)): !one.isDisjoint(with: two)
        case (.name(let one), .name(let two)): one == two
        case (.addresses, .name), (.name, .addresses): false
        }
    }

    private func isLocal(_ address: IPAddress) -> Bool {
        address.isV4 && address.low >> 24 & 0xff == 127 || address == Self.loopbackV6
            || machine.addresses.contains(address)
    }

    private static let unspecifiedV4 = IPAddress(v4: 0)
    private static let unspecifiedV6 = IPAddress(high: 0, low: 0)
    private static let loopbackV4 = IPAddress(v4: 0x7f00_0001)
    private static let loopbackV6 = IPAddress(high: 0, low: 1)
    private static let loopback: Set<IPAddress> = [loopbackV4, loopbackV6]
}
