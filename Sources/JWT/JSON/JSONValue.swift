// SPDX-License-Identifier: Apache-2.0

/// A JSON value (RFC 8259) that preserves the order of members and the digits of numbers.
package enum JSONValue: Sendable {
    case object(JSONObject)
    case array([JSONValue])
    case string(String)
    case number(JSONNumber)
    case bool(Bool)
    case null

    /// The member with that name, if this is an object that has it.
    package subscript(name: String) -> JSONValue? { object?[name] }

    package var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    package var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    package var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var number: JSONNumber? {
        if case .number(let number) = self { number } else { nil }
    }

    package var bool: Bool? {
        if case .bool(let truth) = self { truth } else { nil }
    }

    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The kind of value, for humans: "a string".
    package var kindName: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .number: "a number"
        case .bool: "true or false"
        case .null: "null"
        }
    }
}

/// The members of a JSON object, in order, with unique names.
package struct JSONObject: Sendable, Equatable {
    package struct Member: Sendable {
        package var name: String
        package var value: JSONValue

        package init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var members: [Member]

    package init() {
        members = []
    }

    /// The caller ensures that names are unique.
    package init(_ members: [Member]) {
        self.members = members
    }

    /// Of two values with the same name, the later one is kept.
    package init(_ members: [(String, JSONValue)]) {
        self.init()
        for (name, value) in members { self[name] = value }
    }

    package var isEmpty: Bool { members.isEmpty }

    /// The value with that name, compared by code units: `K` and the Kelvin sign are different names, although Swift
    /// treats them as equal strings.
    package subscript(name: String) -> JSONValue? {
        get {
            for member in members where member.name.isExactly(name) { return member.value }
            return nil
        }
        set {
            if let index = members.firstIndex(where: { $0.name.isExactly(name) }) {
                if let newValue { members[index].value = newValue } else { members.remove(at: index) }
            } else if let newValue {
                members.append(Member(name: name, value: newValue))
            }
        }
    }
}

/// A JSON number: its digits as in the text.
///
/// An identifier of twenty digits must be preserved, which neither `Int` nor `Double` does.
package struct JSONNumber: Sendable, Equatable {
    /// In JSON syntax.
    package let text: String

    package init(_ value: Int) {
        text = String(value)
    }

    /// Nil for values that JSON cannot represent: infinities and NaN.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        // Whole numbers without the ".0" and the exponent that Swift would write; below 2^53 a Double is exact.
        if let whole = Int(exactly: value), whole.magnitude < 1 << 53 {
            text = String(whole)
        } else {
            text = String(value)
        }
    }

    /// `text` must be a number as in RFC 8259 §6.
    init(text: String) {
        self.text = text
    }

    /// The value, if it is written as a whole number and fits.
    package var integer: Int? { Int(text) }

    /// The nearest value; nil if out of a `Double`'s range.
    package var double: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }
}

extension String {
    /// Equality of code units. Swift's `==` treats canonically equivalent texts as equal, which no RFC used here does.
    package func isExactly(_ other: String) -> Bool {
        utf8.elementsEqual(other.utf8)
    }
}

extension JSONValue: Equatable {
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.object(let left), .object(let right)): left == right
        case (.array(let left), .array(let right)): left == right
        case (.string(let left), .string(let right)): left.isExactly(right)
        case (.number(let left), .number(let right)): left == right
        case (.bool(let left), .bool(let right)): left == right
        case (.null, .null): true
        case (.object, _), (.array, _), (.string, _), (.number, _), (.bool, _), (.null, _): false
        }
    }
}

extension JSONObject.Member: Equatable {
    package static func == (left: Self, right: Self) -> Bool {
        left.name.isExactly(right.name) && left.value == right.value
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
    package init(nilLiteral: ()) { self = .null }
}
