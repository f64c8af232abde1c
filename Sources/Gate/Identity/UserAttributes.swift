// SPDX-License-Identifier: Apache-2.0

import JWT

/// What is known of a user, in Sidegate's own names: made from a token's claims, kept in the session.
struct UserAttributes: Sendable, Equatable {
    struct Field: Sendable, Equatable {
        let name: String
        let values: [String]
        /// Came as an array, or is one that is always a list.
        let isList: Bool

        /// Byte for byte, as identifiers are: Swift's own comparison takes some different texts for one.
        static func == (left: Field, right: Field) -> Bool {
            left.isList == right.isList && left.name.isExactly(right.name)
                && left.values.elementsEqual(right.values) { $0.isExactly($1) }
        }
    }

    private(set) var fields: [Field] = []

    mutating func set(_ name: String, _ values: [String], isList: Bool) {
        fields.removeAll { $0.name == name }
        fields.append(Field(name: name, values: values, isList: isList))
    }

    /// The field of that name; its values are never empty.
    func field(_ name: String) -> Field? {
        fields.first { $0.name == name }
    }

    subscript(name: String) -> [String] {
        field(name)?.values ?? []
    }

    /// Always there in a session: no sign-in goes without it.
    var user: String { self["user"].first ?? "" }

    /// What a person is called on a page.
    var account: String { self["email"].first ?? user }

    func isSameUser(as other: UserAttributes) -> Bool {
        !user.isEmpty && user.isExactly(other.user)
    }

    /// A text for a field with one value, an array for a list.
    var document: JSONObject {
        JSONObject(
            fields.map { field in
                let values = field.values.map { JSONValue.string($0) }
                return (field.name, field.isList ? .array(values) : values.first ?? .null)
            })
    }
}
