// SPDX-License-Identifier: Apache-2.0

import Reactor
import TLS

/// The address of Redis or Valkey, and the credentials for it.
package struct RedisConfiguration: Sendable {
    package enum Endpoint: Sendable, Hashable, CustomStringConvertible {
        case host(String, port: UInt16)
        case unix(path: String)

        package var description: String {
            switch self {
            case .host(let host, let port): host.utf8.contains(0x3A) ? "[\(host)]:\(port)" : "\(host):\(port)"
            case .unix(let path): "unix:\(path)"
            }
        }
    }

    /// Where a connection leads.
    package enum Place: Sendable {
        case at(Endpoint)
        /// To the server that sentinels name, if it says itself that it is the primary.
        case primary(RedisSentinelLocator)
    }

    package var place: Place
    /// nil: unencrypted.
    package var tls: TLSClientContext?
    package var credentials = RedisCredentials()
    package var database = 0
    /// The time limit of a command, from submission to reply.
    package var timeout = Nanoseconds.milliseconds(250)
    /// The time limit for connecting, handshake included.
    package var connectTimeout = Nanoseconds.seconds(2)
    /// A connection idle for this long is checked, so that a broken one is not discovered by a user.
    package var idleInterval = Nanoseconds.seconds(10)

    /// The server is a sentinel, whose replies are short.
    package var isSentinel = false

    package init(_ endpoint: Endpoint) {
        place = .at(endpoint)
    }

    package init(_ place: Place) {
        self.place = place
    }

    /// nil: sentinels name it.
    package var endpoint: Endpoint? {
        get { if case .at(let endpoint) = place { endpoint } else { nil } }
        set { if let newValue { place = .at(newValue) } }
    }

    /// A subscriber sends nothing, so only a PING finds a connection that was lost. Retained messages are read again after
    /// it was.
    package static let subscriberIdleInterval = Nanoseconds.seconds(2)
}

/// The credentials for Redis.
package struct RedisCredentials: Sendable {
    /// An ACL user; empty: the default user.
    package var user: [UInt8]
    /// Empty: no password.
    package var password: [UInt8]

    package init(user: [UInt8] = [], password: [UInt8] = []) {
        self.user = user
        self.password = password
    }
}

/// Why a command has no reply, or an error reply.
package enum RedisFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no connection, and why.
    case unreachable(String)
    case timeout
    /// Too many commands are waiting already.
    case overloaded
    /// An error reply.
    case refused(String)
    /// A reply whose type the command cannot have; it ends the connection.
    case unexpectedReply(String)

    package var description: String {
        switch self {
        case .unreachable(let cause): "not reachable: \(cause)"
        case .timeout: "no reply in time"
        case .overloaded: "too many commands are waiting"
        case .refused(let text): "refused: \(text)"
        case .unexpectedReply(let cause): cause
        }
    }
}

/// An event worth logging.
package enum RedisEvent: Equatable, Sendable {
    case connected
    /// An established connection was lost, or the first attempt failed: reported once for each outage.
    case lost(String)
    /// The reply is not RESP, or not a valid reply to the command; the connection ends.
    case unexpectedReply(String)
}
