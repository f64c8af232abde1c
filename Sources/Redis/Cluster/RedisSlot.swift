// SPDX-License-Identifier: Apache-2.0

/// The slots of a cluster: each key belongs to one, and each slot to one master.
enum RedisSlot {
    static let count = 16_384

    /// The slot of a key: the CRC of its hash tag, or of all of it.
    static func of(_ key: [UInt8]) -> Int {
        Int(checksum(tag(of: key))) % count
    }

    /// What stands between the first opening brace and the next closing one, unless nothing does.
    private static func tag(of key: [UInt8]) -> ArraySlice<UInt8> {
        guard let opening = key.firstIndex(of: UInt8(ascii: "{")) else { return key[...] }
        let rest = key[(opening + 1)...]
        guard let closing = rest.firstIndex(of: UInt8(ascii: "}")), closing > rest.startIndex else { return key[...] }
        return rest[..<closing]
    }

    /// CRC-16/XMODEM: polynomial 0x1021, begins with 0.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        var sum: UInt16 = 0
        for byte in bytes { sum = sum << 8 ^ table[Int(sum >> 8 ^ UInt16(byte))] }
        return sum
    }

    private static let table: [UInt16] = (0..<256).map { index in
        var sum = UInt16(index) << 8
        for _ in 0..<8 { sum = sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021 }
        return sum
    }
}

/// The servers of a cluster that can execute a command.
enum RedisRoute: Equatable {
    /// It has no keys.
    case anyServer
    case slot(Int)
    /// Its keys belong to several slots, so none can.
    case acrossSlots
}

extension RESPCommand {
    /// Where the keys of the command are, for those that Sidegate sends.
    var route: RedisRoute {
        let name = String(decoding: parts.first ?? [], as: UTF8.self)
        let keys: ArraySlice<[UInt8]>
        switch name {
        case "PING", "INFO", "PUBLISH", "CLUSTER": keys = []
        case "DEL", "EXISTS": keys = parts.dropFirst()
        case "EVAL":
            let count = parts.count > 2 ? Int(String(decoding: parts[2], as: UTF8.self)) ?? 0 : 0
            keys = parts.dropFirst(3).prefix(max(0, count))
        default: keys = parts.dropFirst().prefix(1)
        }
        guard let first = keys.first.map(RedisSlot.of) else { return .anyServer }
        return keys.allSatisfy { RedisSlot.of($0) == first } ? .slot(first) : .acrossSlots
    }
}
