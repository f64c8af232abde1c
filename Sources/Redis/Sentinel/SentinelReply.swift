// SPDX-License-Identifier: Apache-2.0

import Reactor

extension RedisConfiguration.Endpoint {
    /// An address that a server names: a host name or a literal address, and a port. nil: it is neither.
    package init?(announced host: [UInt8], port: [UInt8]) {
        guard 1...5 ~= port.count, port.allSatisfy({ 0x30...0x39 ~= $0 }), port.first != 0x30,
            let number = UInt16(String(decoding: port, as: UTF8.self)), Self.isHost(host)
        else { return nil }
        self = .host(String(decoding: host, as: UTF8.self).lowercased(), port: number)
    }

    private static func isHost(_ host: [UInt8]) -> Bool {
        guard 1...253 ~= host.count else { return false }
        if host.contains(UInt8(ascii: ":")) {
            return SocketAddress(literal: String(decoding: host, as: UTF8.self), port: 1) != nil
        }
        let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard
            labels.allSatisfy({ label in
                1...63 ~= label.count
                    && label.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x7A ~= $0 | 0x20 || $0 == 0x2D || $0 == 0x5F }
            })
        else { return false }
        // Resolvers take a name whose last label is a number for an address, also in short forms such as 127.1.
        guard let last = labels.last, last.allSatisfy({ 0x30...0x39 ~= $0 }) else { return true }
        return SocketAddress(literal: String(decoding: host, as: UTF8.self), port: 1) != nil
    }
}

/// The reply to `SENTINEL GET-MASTER-ADDR-BY-NAME`.
package enum SentinelPrimary: Equatable, Sendable {
    case at(RedisConfiguration.Endpoint)
    /// The sentinel knows no primary of this name.
    case unknownName
}

extension RedisReply<SentinelPrimary> {
    /// Host and port as strings, or a null array.
    package static var sentinelPrimary: Self {
        Self { reply in
            if case .null = reply { return .unknownName }
            return reply.bulks(2).flatMap { RedisConfiguration.Endpoint(announced: $0[0], port: $0[1]) }.map {
                .at($0)
            }
        }
    }
}

/// One entry of `SENTINEL SENTINELS`, or the reply to `SENTINEL MASTER`: fields by their name.
package struct SentinelFields: Equatable, Sendable {
    private let fields: [String: [UInt8]]

    /// nil: not alternating names and values.
    init?(_ reply: RESPValue) {
        guard let parts = reply.elements, parts.count.isMultiple(of: 2), parts.count <= Self.maximumParts else {
            return nil
        }
        var fields: [String: [UInt8]] = [:]
        for place in stride(from: 0, to: parts.count, by: 2) {
            guard case .bulk(let name) = parts[place], case .bulk(let value) = parts[place + 1] else { return nil }
            fields[String(decoding: name, as: UTF8.self)] = value
        }
        self.fields = fields
    }

    package var endpoint: RedisConfiguration.Endpoint? {
        guard let host = fields["ip"], let port = fields["port"] else { return nil }
        return RedisConfiguration.Endpoint(announced: host, port: port)
    }

    /// A decimal number of at most nine digits.
    package func number(_ name: String) -> Int? {
        guard let text = fields[name], 1...9 ~= text.count, text.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int(String(decoding: text, as: UTF8.self))
    }

    private static let maximumParts = 200
}

extension RedisReply<SentinelFields> {
    /// SENTINEL MASTER.
    package static var sentinelFields: Self { Self { SentinelFields($0) } }
}

extension RedisReply<[RedisConfiguration.Endpoint]> {
    /// SENTINEL SENTINELS: the addresses of the other sentinels.
    static func sentinels(atMost limit: Int) -> Self {
        Self { reply in
            guard case .array(let entries) = reply, entries.count <= limit else { return nil }
            var endpoints: [RedisConfiguration.Endpoint] = []
            for entry in entries {
                guard let endpoint = SentinelFields(entry)?.endpoint else { return nil }
                endpoints.append(endpoint)
            }
            return endpoints
        }
    }
}

/// A message of the channel `+switch-master`: `NAME OLD-HOST OLD-PORT NEW-HOST NEW-PORT`.
enum SentinelSwitch: Equatable {
    case from(RedisConfiguration.Endpoint, to: RedisConfiguration.Endpoint)
    /// Of another primary.
    case other
    case malformed

    init(_ message: [UInt8], master: String) {
        let words = message.split(separator: 0x20, omittingEmptySubsequences: false)
        guard message.count <= Self.maximumLength, words.count == 5 else {
            self = .malformed
            return
        }
        guard words[0].elementsEqual(master.utf8) else {
            self = .other
            return
        }
        guard let old = RedisConfiguration.Endpoint(announced: Array(words[1]), port: Array(words[2])),
            let new = RedisConfiguration.Endpoint(announced: Array(words[3]), port: Array(words[4]))
        else {
            self = .malformed
            return
        }
        self = .from(old, to: new)
    }

    static let channel = Array("+switch-master".utf8)
    private static let maximumLength = 1024
}
