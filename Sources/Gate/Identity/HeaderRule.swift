// SPDX-License-Identifier: Apache-2.0

import HTTP

/// One identity header: its name, and a template of fields for its value (`identityHeaders` of the config).
package struct HeaderRule: Sendable, Equatable {
    /// As it is written to the app.
    package let name: String
    package let template: HeaderTemplate

    /// - Parameter fields: the names of the fields that `token.claims` makes; the template may use no other.
    package init(name: String, template: String, fields: [String]) throws(GateConfigurationError) {
        try Self.check(name)
        self.name = name
        self.template = try HeaderTemplate(template, fields: fields)
    }

    /// For the presets, whose names and templates are known to be good.
    init(_ name: String, _ template: HeaderTemplate) {
        self.name = name
        self.template = template
    }

    private static func check(_ name: String) throws(GateConfigurationError) {
        let isToken = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard !name.isEmpty, name.utf8.count <= 128, isToken, name.utf8.contains(where: { $0 >= UInt8(ascii: "0") })
        else {
            throw GateConfigurationError("\"\(name)\" is no header name: letters, digits, - _ . only")
        }
        let folded = SpoofFilter.folded(name)
        guard !reserved.contains(folded), !folded.starts(with: "x-sidegate-".utf8) else {
            throw GateConfigurationError("\(name) has a meaning of its own and cannot be an identity header")
        }
    }

    /// Fields of message framing, routing and of the gate; folded. What Sidegate knows by name passes to the app as the
    /// client sent it, or is written by Sidegate; Authorization alone is made for both.
    private static let reserved: Set<[UInt8]> = {
        var names: Set<[UInt8]> = []
        for field in KnownField.allCases where field != .authorization && field != .other {
            names.insert(Array("\(field.name)".utf8))
        }
        return names
    }()
}

/// Fields and text between them: `{givenName} {familyName}`; `{groups;|}` names what stands between the values of a list.
package struct HeaderTemplate: Sendable, Equatable {
    let parts: [Part]
    /// The result is the user name of HTTP basic authentication, with an empty password.
    var isBasic = false

    enum Part: Sendable, Equatable {
        case literal([UInt8])
        /// A field, and what stands between its values.
        case field(String, ListSeparator)
    }

    init(_ text: String, fields: [String]) throws(GateConfigurationError) {
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw GateConfigurationError("the template has a control character")
        }
        var parts: [Part] = []
        var rest = Array(text.utf8)[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "{")) {
            if open > rest.startIndex { parts.append(.literal(Array(rest[..<open]))) }
            guard let close = rest[open...].firstIndex(of: UInt8(ascii: "}")) else {
                throw GateConfigurationError("a { in the template has no }")
            }
            let inside = rest[(open + 1)..<close]
            let end = inside.firstIndex(of: UInt8(ascii: ";")) ?? close
            let separator = end < close ? try ListSeparator(inside[(end + 1)...]) : .comma
            let name = String(decoding: inside[..<end], as: UTF8.self)
            guard fields.contains(name) else {
                throw GateConfigurationError(
                    "unknown field {\(name)}; token.claims makes " + fields.joined(separator: ", "))
            }
            parts.append(.field(name, separator))
            rest = rest[(close + 1)...]
        }
        if !rest.isEmpty { parts.append(.literal(Array(rest))) }
        self.parts = parts
    }

    /// Fields alone, with spaces between them.
    init(_ fields: String..., separator: Unicode.Scalar = ",", isBasic: Bool = false) {
        let separator = ListSeparator(known: separator)
        parts = Array(fields.map { [Part.field($0, separator)] }.joined(separator: [Part.literal([0x20])]))
        self.isBasic = isBasic
    }
}
