// SPDX-License-Identifier: Apache-2.0

/// What a server says it is (`ROLE`).
package enum RedisRole: Equatable, Sendable {
    /// It takes writes. The number is that of the replicas connected to it.
    case primary(replicas: Int)
    case replica
    /// Not a server that holds data.
    case sentinel
}

extension RedisReply<RedisRole> {
    /// ROLE: the role's name, and what belongs to it.
    package static var role: Self {
        Self { reply in
            guard case .array(let parts) = reply, case .bulk(let name)? = parts.first else { return nil }
            switch String(decoding: name, as: UTF8.self) {
            case "master":
                guard parts.count == 3, case .integer(0...) = parts[1], case .array(let replicas) = parts[2],
                    replicas.count <= maximumReplicas, replicas.allSatisfy({ $0.bulks(3) != nil })
                else { return nil }
                return .primary(replicas: replicas.count)
            case "slave":
                guard parts.count == 5, case .bulk = parts[1], case .integer = parts[2], case .bulk = parts[3],
                    case .integer = parts[4]
                else { return nil }
                return .replica
            case "sentinel":
                guard parts.count == 2, case .array = parts[1] else { return nil }
                return .sentinel
            default: return nil
            }
        }
    }

    private static var maximumReplicas: Int { 1000 }
}

extension RedisReply<String?> {
    /// ROLE of a server that takes writes: nil; of any other: why it is not used.
    static var primaryRole: Self {
        Self { reply in
            switch RedisReply<RedisRole>.role.read(reply) {
            case .primary?: .some(nil)
            case .replica?: "the server is a replica, not the primary"
            case .sentinel?: "the server is a sentinel, not the primary"
            case nil: nil
            }
        }
    }
}
