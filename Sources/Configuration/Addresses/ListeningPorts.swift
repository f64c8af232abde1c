// SPDX-License-Identifier: Apache-2.0

/// The addresses of this machine on which a port is listened on, from the kernel's tables (`/proc/net/tcp` and `tcp6`,
/// proc(5)), without a connection.
package enum ListeningPorts {
    /// The addresses beyond loopback on which `port` is listened on, in words; nil when the kernel does not say.
    package static func beyondLoopback(_ port: UInt16) -> [String]? {
        tables()?.flatMap { beyondLoopback(port, table: $0) }
    }

    /// As above, of one such table.
    package static func beyondLoopback(_ port: UInt16, table: [UInt8]) -> [String] {
        var places: [String] = []
        for address in addresses(port, table: table) {
            guard let place = place(address), !places.contains(place) else { continue }
            places.append(place)
        }
        return places
    }

    /// Whether `port` is listened on, on any address; nil when the kernel does not say.
    package static func isOpen(_ port: UInt16) -> Bool? {
        tables()?.contains { isOpen(port, table: $0) }
    }

    /// As above, of one such table.
    package static func isOpen(_ port: UInt16, table: [UInt8]) -> Bool { !addresses(port, table: table).isEmpty }

    private static func tables() -> [[UInt8]]? {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].compactMap { path in
            try? FileReader.read(path, limit: maximumSize).bytes
        }
        return tables.isEmpty ? nil : tables
    }

    /// The local addresses of the listeners on `port`, as the table has them. It has a line for each connection of the
    /// machine, which may be very many, so the lines are looked at as bytes.
    private static func addresses(_ port: UInt16, table: [UInt8]) -> [Substring] {
        table.split(separator: UInt8(ascii: "\n")).dropFirst().compactMap { line in
            // sl, local address, remote address, state, …
            let columns = line.split(separator: UInt8(ascii: " "), maxSplits: 4)
            guard columns.count > 3, columns[3].elementsEqual(listening.utf8) else { return nil }
            let halves = String(decoding: columns[1], as: UTF8.self).split(separator: ":")
            guard halves.count == 2, UInt16(halves[1], radix: 16) == port else { return nil }
            return halves[0]
        }
    }

    /// Nil for loopback, and for what is no address.
    private static func place(_ text: Substring) -> String? {
        var words: [UInt32] = []
        var rest = text
        while !rest.isEmpty {
            // Each is printed in the machine's byte order, though it is stored in the network's.
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            words.append(UInt32(bigEndian: word))
            rest = rest.dropFirst(8)
        }
        if words.count == 4, words[0] == 0, words[1] == 0, words[2] == 0xffff { words = [words[3]] }
        if words.allSatisfy({ $0 == 0 }) { return words.isEmpty ? nil : "every address" }
        switch words.count {
        case 1:
            let octets = [24, 16, 8, 0].map { words[0] >> UInt32($0) & 0xff }
            return octets[0] == 127 ? nil : octets.map(String.init).joined(separator: ".")
        case 4:
            if words == [0, 0, 0, 1] { return nil }
            let groups = words.flatMap { [$0 >> 16, $0 & 0xffff] }
            return "[" + groups.map { String($0, radix: 16) }.joined(separator: ":") + "]"
        default: return nil
        }
    }

    /// TCP_LISTEN
    private static let listening = "0A"
    private static let maximumSize = 16 << 20
}
