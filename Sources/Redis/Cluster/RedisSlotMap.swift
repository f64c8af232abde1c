// SPDX-License-Identifier: Apache-2.0

/// Which master owns each slot, as a server of the cluster has said, and as redirections have corrected it since.
struct RedisSlotMap {
    /// Why a reply to CLUSTER SLOTS is not used.
    enum Problem: Error, Equatable, CustomStringConvertible {
        /// Its form is wrong, or it contradicts itself.
        case malformed
        case tooManyNodes
        /// The server belongs to no cluster, or has not joined it yet.
        case empty

        var description: String {
            switch self {
            case .malformed: "a malformed reply to CLUSTER SLOTS"
            case .tooManyNodes: "the cluster has more than \(RedisSlotMap.maximumNodes) servers"
            case .empty: "the server knows of no slot"
            }
        }
    }

    /// In the order of their first slot, then those that redirections named.
    private(set) var masters: [RedisNode] = []
    /// Masters and replicas.
    private(set) var members: Set<RedisNode> = []
    /// Indices of ``masters``.
    private var owners = [UInt16](repeating: Self.none, count: RedisSlot.count)
    private var redirected = 0

    /// Reads the reply to CLUSTER SLOTS: for each range of slots its first and last, the master, and replicas.
    ///
    /// - Parameter asked: the server that replied.
    init(_ reply: RESPValue, from asked: RedisNode) throws(Problem) {
        guard case .array(let ranges) = reply, ranges.count <= RedisSlot.count else { throw .malformed }
        var indices: [RedisNode: UInt16] = [:]
        for range in ranges {
            guard case .array(let parts) = range, parts.count >= 3, case .integer(let first) = parts[0],
                case .integer(let last) = parts[1], first >= 0, first <= last, last < Int64(RedisSlot.count)
            else { throw .malformed }
            let master = try Self.node(parts[2], from: asked)
            for replica in parts.dropFirst(3) {
                if let replica = try Self.node(replica, from: asked) { members.insert(replica) }
            }
            guard members.count <= Self.maximumNodes else { throw .tooManyNodes }
            let slots = Int(first)...Int(last)
            guard owners[slots].allSatisfy({ $0 == Self.none }) else { throw .malformed }
            // Its address is not known to the server: redirections may name it.
            guard let master else { continue }
            members.insert(master)
            let index = indices[master] ?? UInt16(truncatingIfNeeded: masters.count)
            if indices.updateValue(index, forKey: master) == nil { masters.append(master) }
            guard members.count <= Self.maximumNodes else { throw .tooManyNodes }
            for slot in slots { owners[slot] = index }
        }
        guard !masters.isEmpty else { throw .empty }
    }

    /// nil: no server is known to own the slot.
    func owner(of slot: Int) -> RedisNode? {
        guard owners.indices.contains(slot), owners[slot] != Self.none else { return nil }
        return masters[Int(owners[slot])]
    }

    /// How many slots have no owner.
    var uncovered: Int { owners.count { $0 == Self.none } }

    /// A server has said that `node` owns the slot. False: redirections have named too many servers that no map contained.
    mutating func redirect(_ slot: Int, to node: RedisNode) -> Bool {
        guard owners.indices.contains(slot) else { return false }
        if let index = masters.firstIndex(of: node) {
            owners[slot] = UInt16(truncatingIfNeeded: index)
            return true
        }
        guard redirected < Self.maximumRedirected else { return false }
        redirected += 1
        owners[slot] = UInt16(truncatingIfNeeded: masters.count)
        masters.append(node)
        members.insert(node)
        return true
    }

    /// `[host, port, identifier, …]`. The host is empty or nil for the server's own, and `?` when it is not known.
    private static func node(_ value: RESPValue, from asked: RedisNode) throws(Problem) -> RedisNode? {
        guard case .array(let parts) = value, parts.count >= 2, case .integer(let port) = parts[1] else {
            throw .malformed
        }
        let host: [UInt8]
        switch parts[0] {
        case .null: host = []
        case .bulk(let text): host = text
        default: throw .malformed
        }
        if host == [UInt8(ascii: "?")] { return nil }
        guard let node = RedisNode(announced: host, port: port, asked: asked) else { throw .malformed }
        return node
    }

    static let maximumNodes = 1024
    private static let maximumRedirected = 16
    private static let none = UInt16.max
}
