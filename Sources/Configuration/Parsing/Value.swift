// SPDX-License-Identifier: Apache-2.0

/// A value of a known kind, checked on its own (not yet against other values).
package indirect enum Value: Equatable, Sendable {
    case boolean(Bool)
    case integer(Int)
    case duration(Duration)
    case text(String)
    case listenAddress(ListenAddress)
    case upstreamAddress(UpstreamAddress)
    case redisAddress(RedisAddress)
    case origin(HTTPOrigin)
    case network(Network)
    case list([Located])
    /// In the order in which it was written.
    case map([MapEntry])
    case object([String: Located])
    case null

    package struct MapEntry: Equatable, Sendable {
        package let name: String
        package let nameOrigin: SourceLocation
        package let value: Value

        /// Places do not count: two values are equal when they mean the same.
        package static func == (left: MapEntry, right: MapEntry) -> Bool {
            left.name == right.name && left.value == right.value
        }
    }
}

/// A value and where it was given.
package struct Located: Equatable, Sendable {
    package let value: Value
    package let origin: SourceLocation

    /// Places do not count: two values are equal when they mean the same.
    package static func == (left: Located, right: Located) -> Bool { left.value == right.value }
}
