// SPDX-License-Identifier: Apache-2.0

/// A value as it was written, before its kind is known, with the place of every part.
package struct Node: Sendable {
    package enum Content: Sendable {
        /// Nothing, `null` or `~`: as good as not given.
        case null
        case scalar(String)
        case sequence([Node])
        case mapping([Entry])
    }

    package struct Entry: Sendable {
        package let name: String
        package let nameOrigin: SourceLocation
        package var value: Node

        package init(name: String, nameOrigin: SourceLocation, value: Node) {
            self.name = name
            self.nameOrigin = nameOrigin
            self.value = value
        }
    }

    package var content: Content
    package var origin: SourceLocation
    /// A scalar's text before variables of the environment were put in; nil: there were none.
    var template: String?

    package init(_ content: Content, at origin: SourceLocation) {
        self.content = content
        self.origin = origin
    }

    package var isNull: Bool {
        if case .null = content { true } else { false }
    }

    /// What it is, in words, for messages; never its text.
    var kindInWords: String {
        switch content {
        case .null: "nothing"
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
