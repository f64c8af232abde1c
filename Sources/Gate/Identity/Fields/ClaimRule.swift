// SPDX-License-Identifier: Apache-2.0

import JWT

/// One line of `token.claims`: a field and the claims it is taken from, the first present one.
package struct ClaimRule: Sendable, Equatable {
    package var field: String
    /// Names of claims. Each is looked up as it is written, then, where it holds dots, as a path.
    package var claims: [String]
    /// Where members of objects stand, from the top; looked up after ``claims``, and never as one name.
    package var paths: [[String]]
    /// Between the values in a text; nil: as is usual for the field; empty: a text is one value.
    package var split: String?

    package init(_ field: String, _ claims: [String], paths: [[String]] = [], split: String? = nil) {
        self.field = field
        self.claims = claims
        self.paths = paths
        self.split = split
    }

    /// The most names of a path.
    package static let maximumDepth = 8

    /// All that fill the field, for messages.
    package var sources: [String] { claims + paths.map { $0.joined(separator: ".") } }

    /// The claim of that name fills the field, as a whole.
    func reads(_ name: String) -> Bool { claims.contains(name) || paths.contains([name]) }

    /// Between the values in a text; empty: a text is one value.
    var separator: [UInt8] {
        if let split { return Array(split.utf8) }
        return field == "groups" || field == "sites" ? [UInt8(ascii: ",")] : []
    }

    /// What is present, in the order in which it counts.
    func values(in claims: JSONValue) -> [JSONValue] {
        var values: [JSONValue] = []
        for name in self.claims {
            if let value = claims[name] { values.append(value) }
            if name.utf8.contains(UInt8(ascii: ".")) {
                let path = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
                if let value = Self.value(at: path, in: claims) { values.append(value) }
            }
        }
        return values + paths.compactMap { Self.value(at: $0, in: claims) }
    }

    /// Members of objects alone; an array has no names.
    private static func value(at path: [String], in claims: JSONValue) -> JSONValue? {
        guard path.count <= maximumDepth, !path.contains("") else { return nil }
        var value: JSONValue? = claims
        for name in path { value = value?[name] }
        return value
    }

    /// The default of the config.
    package static let standard = [
        ClaimRule("user", ["sub", "preferred_username", "email"]),
        ClaimRule("email", ["email"]),
        ClaimRule("familyName", ["family_name"]),
        ClaimRule("givenName", ["given_name"]),
        ClaimRule("preferredUsername", ["preferred_username"]),
        ClaimRule("groups", ["groups", "roles"]),
        ClaimRule("sites", ["site_access"]),
        ClaimRule("guest", ["guest"]),
    ]
}
