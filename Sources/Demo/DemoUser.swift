// SPDX-License-Identifier: Apache-2.0

import JWT

/// A user of the demo's identity provider.
package struct DemoUser: Equatable, Sendable {
    package let name: String
    package let givenName: String
    package let familyName: String
    package let groups: [String]
    package let isGuest: Bool
    /// One line about what this user demonstrates.
    package let note: String

    package var email: String { name + "@example.com" }

    package static let all: [DemoUser] = [
        DemoUser(
            name: "ada", givenName: "Ada", familyName: "Lovelace", groups: ["admins", "engineers"], isGuest: false,
            note: "Administrator"),
        DemoUser(
            name: "grace", givenName: "Grace", familyName: "Hopper", groups: ["engineers"], isGuest: false,
            note: "Engineer"),
        DemoUser(
            name: "sam", givenName: "Sam", familyName: "Guest", groups: [], isGuest: true, note: "Guest"),
    ]

    static func named(_ name: String) -> DemoUser? { all.first { $0.name == name } }

    var claims: [(String, JSONValue)] {
        [
            ("sub", .string(name)), ("email", .string(email)), ("given_name", .string(givenName)),
            ("family_name", .string(familyName)), ("preferred_username", .string(name)),
            ("groups", .array(groups.map { .string($0) })), ("guest", .bool(isGuest)),
        ]
    }
}

/// Faults that the demo's identity provider can simulate, to show how the gate handles them.
package enum DemoFault: String, CaseIterable, Sendable {
    case expired
    case forged
    case future
    case issuer
    case nameless

    var label: String {
        switch self {
        case .expired: "a token that expired ten minutes ago"
        case .forged: "a token signed with another secret"
        case .future: "a token that is valid only from tomorrow"
        case .issuer: "a token of another issuer"
        case .nameless: "a token without an e-mail address"
        }
    }
}
