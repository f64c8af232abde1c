// SPDX-License-Identifier: Apache-2.0

import Gate

/// A value of a known kind, checked on its own (not yet against other values).
package indirect enum ParsedValue: Equatable, Sendable {
    case boolean(Bool)
    case integer(Int)
    case duration(Duration)
    case text(String)
    /// The index of the name chosen.
    case choice(Int)
    case template(TextTemplate)
    case rulePath(RulePath)
    case listenAddress(ListenAddress)
    /// In place of an address: none.
    case off
    case upstreamAddress(UpstreamAddress)
    case redisAddress(RedisAddress)
    case server(ServerAddress)
    case origin(PublicOrigin)
    case network(Network)
    case list([Located<ParsedValue>])
    /// In the order in which it was written.
    case map([MapEntry<ParsedValue>])
    case object(OptionValues)
}

/// A value and where it was given.
package struct Located<Value: Sendable>: Sendable {
    package let value: Value
    package let origin: SourceLocation
}

extension Located: Equatable where Value: Equatable {
    /// Two values are equal when they mean the same, whatever their locations.
    package static func == (left: Located, right: Located) -> Bool { left.value == right.value }
}

/// An entry of a mapping with names of the user's choice.
package struct MapEntry<Value: Sendable>: Sendable {
    package let name: String
    package let nameOrigin: SourceLocation
    package let value: Value
}

extension MapEntry: Equatable where Value: Equatable {
    package static func == (left: MapEntry, right: MapEntry) -> Bool {
        left.name == right.name && left.value == right.value
    }
}
