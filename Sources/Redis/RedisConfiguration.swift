// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// Where Redis or Valkey is, and how one introduces oneself there.
package struct RedisConfiguration: Sendable {
    package enum Endpoint: Sendable, Equatable, CustomStringConvertible {
        case host(String, port: UInt16)
        case unix(path: String)

        package var description: String {
            switch self {
            case .host(let host, let port): host.utf8.contains(0x3A) ? "[\(host)]:\(port)" : "\(host):\(port)"
            case .unix(let path): "unix:\(path)"
            }
        }
    }

    package var endpoint: Endpoint
    /// nil: in the clear.
    package var tls: TLSClientContext?
    package var credentials = RedisCredentials()
    package var database = 0
    /// How long a command may take, from being given to its reply.
    package var timeout = Nanoseconds.milliseconds(250)
    /// How long connecting may take, the greeting included.
    package var connectTimeout = Nanoseconds.seconds(2)
    /// A connection that was quiet for so long is tried, so that one that broke unseen is not found by a user.
    package var idleInterval = Nanoseconds.seconds(10)

    package init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }
}

/// As whom one comes.
package struct RedisCredentials: Sendable {
    /// An ACL user; empty: the default one.
    package var user: [UInt8]
    /// Empty: none is asked for.
    package var password: [UInt8]

    package init(user: [UInt8] = [], password: [UInt8] = []) {
        self.user = user
        self.password = password
    }
}

/// Why a command has no reply, or not the one that was hoped for.
package enum RedisFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no connection, and why.
    case unreachable(String)
    case timeout
    /// Too many commands wait already.
    case overloaded
    /// An error reply.
    case refused(String)
    /// A reply of a shape that the command does not have; it ends the connection.
    case unexpectedReply(String)

    package var description: String {
        switch self {
        case .unreachable(let cause): "not reachable: \(cause)"
        case .timeout: "no answer in time"
        case .overloaded: "too many commands wait"
        case .refused(let text): "refused: \(text)"
        case .unexpectedReply(let cause): cause
        }
    }
}

/// What is worth a line in the log.
package enum RedisEvent: Equatable, Sendable {
    case connected
    /// A connection that was there is gone, or the first attempt failed: told once for each outage.
    case lost(String)
    /// What came is not Redis's protocol, or not the reply to what was asked; the connection ends.
    case unexpectedReply(String)
}
