// SPDX-License-Identifier: Apache-2.0

import JWT

/// A JSON Patch (RFC 6902) that makes one value of another.
package struct JSONPatch {
    package enum Operation: Equatable, Sendable {
        case add(path: String, JSONValue)
        case remove(path: String)
        case replace(path: String, JSONValue)
    }

    package private(set) var operations: [Operation] = []

    /// - Parameter path: the JSON Pointer (RFC 6901) of both values in the document that is patched.
    package init(from before: JSONValue, to after: JSONValue, at path: String) {
        add(before, after, path)
    }

    var document: JSONValue { .array(operations.map(\.document)) }

    private mutating func add(_ before: JSONValue, _ after: JSONValue, _ path: String) {
        switch (before, after) {
        case (.object(let before), .object(let after)): add(before, after, path)
        case (.array(let before), .array(let after)): add(before, after, path)
        default: if before != after { operations.append(.replace(path: path, after)) }
        }
    }

    private mutating func add(_ before: JSONObject, _ after: JSONObject, _ path: String) {
        let (old, new) = (Self.byName(before), Self.byName(after))
        for member in before.members where new[Array(member.name.utf8)] == nil {
            operations.append(.remove(path: path + Self.step(member.name)))
        }
        for member in after.members {
            let path = path + Self.step(member.name)
            if let present = old[Array(member.name.utf8)] {
                add(present, member.value, path)
            } else {
                operations.append(.add(path: path, member.value))
            }
        }
    }

    /// What both lists begin and end with stays. Of the rest, elements at the same place are compared, and what one
    /// list has more is added or removed.
    private mutating func add(_ before: [JSONValue], _ after: [JSONValue], _ path: String) {
        let shorter = min(before.count, after.count)
        var start = 0
        while start < shorter, before[start] == after[start] { start += 1 }
        var end = 0
        while end < shorter - start, before[before.count - 1 - end] == after[after.count - 1 - end] { end += 1 }
        let (oldEnd, newEnd) = (before.count - end, after.count - end)
        let paired = min(oldEnd, newEnd)
        for index in start..<paired { add(before[index], after[index], "\(path)/\(index)") }
        // From the end, so that the places of the others stay.
        for index in (paired..<oldEnd).reversed() { operations.append(.remove(path: "\(path)/\(index)")) }
        for index in paired..<newEnd { operations.append(.add(path: "\(path)/\(index)", after[index])) }
    }

    /// By bytes: a Dictionary of strings takes canonically equivalent ones for one.
    private static func byName(_ object: JSONObject) -> [[UInt8]: JSONValue] {
        Dictionary(object.members.map { (Array($0.name.utf8), $0.value) }) { first, _ in first }
    }

    /// RFC 6901 §3: `~` and `/` are escaped.
    private static func step(_ name: String) -> String {
        "/" + name.replacing("~", with: "~0").replacing("/", with: "~1")
    }
}

extension JSONPatch.Operation {
    fileprivate var document: JSONValue {
        switch self {
        case .add(let path, let value): ["op": "add", "path": .string(path), "value": value]
        case .remove(let path): ["op": "remove", "path": .string(path)]
        case .replace(let path, let value): ["op": "replace", "path": .string(path), "value": value]
        }
    }
}
