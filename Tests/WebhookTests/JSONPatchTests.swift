// SPDX-License-Identifier: Apache-2.0

import JWT
import Testing
import Webhook

@Suite("JSON Patch")
struct JSONPatchTests {
    @Test(
        "The difference of two values",
        arguments: [
            ("{}", "{}", []), ("1", "1", []), ("1", "1.0", ["replace "]), ("{}", #"{"a": null}"#, ["add /a"]),
            (#"{"a": 1}"#, "{}", ["remove /a"]), (#"{"a": 1}"#, #"{"a": 2}"#, ["replace /a"]),
            (#"{"a": [1]}"#, #"{"a": {}}"#, ["replace /a"]), ("[1, 2, 3]", "[0, 1, 2, 3]", ["add /0"]),
            ("[1, 2, 3]", "[1, 2, 3, 4, 5]", ["add /3", "add /4"]), ("[1, 2, 3]", "[1, 3]", ["remove /1"]),
            ("[1, 2, 3]", "[]", ["remove /2", "remove /1", "remove /0"]), ("[1, 1]", "[1]", ["remove /1"]),
            (#"[{"a": 1}, 5]"#, #"[{"a": 2}, 5]"#, ["replace /0/a"]),
            ("[1, 9]", "[2, 3, 9]", ["replace /0", "add /1"]),
            (#"{"a/b": 1, "m~n": 1}"#, #"{"a/b": 2}"#, ["remove /m~0n", "replace /a~1b"]),
            (#"{"": 1}"#, #"{"": 2}"#, ["replace /"]),
            ("{\"\u{212A}\": 1}", "{\"K\": 1}", ["remove /\u{212A}", "add /K"]),
        ] as [(String, String, [String])])
    func difference(before: String, after: String, expected: [String]) throws {
        let (before, after) = (
            try JSONParser.parse(Array(before.utf8).span), try JSONParser.parse(Array(after.utf8).span)
        )
        let patch = JSONPatch(from: before, to: after, at: "")
        let shown = patch.operations.map { operation in
            switch operation {
            case .add(let path, _): "add \(path)"
            case .remove(let path): "remove \(path)"
            case .replace(let path, _): "replace \(path)"
            }
        }
        #expect(shown.map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "\(shown)")
    }

    @Test("Applied, it makes one value of the other, whatever they are")
    func generated() throws {
        var numbers = Numbers(state: 17)
        for _ in 0..<4000 {
            let before = numbers.value(depth: 3)
            let after = numbers.next(4) == 0 ? numbers.value(depth: 3) : numbers.variant(of: before)
            var document = before
            for operation in JSONPatch(from: before, to: after, at: "").operations {
                switch operation {
                case .add(let path, let value): try apply("add", steps(path), value, to: &document)
                case .remove(let path): try apply("remove", steps(path), nil, to: &document)
                case .replace(let path, let value): try apply("replace", steps(path), value, to: &document)
                }
            }
            #expect(isSame(document, after), "\(before) \(after)")
        }
    }

    private func steps(_ path: String) -> ArraySlice<Substring> {
        path.isEmpty ? [] : path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    }
}

/// Values by a generator of numbers that is the same in every run.
private struct Numbers {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }

    mutating func value(depth: Int) -> JSONValue {
        switch depth == 0 ? next(4) : next(8) {
        case 0: .number(JSONNumber(next(3)))
        case 1: .string(["", "a", "~/"][next(3)])
        case 2: .bool(next(2) == 0)
        case 3: .null
        case 4, 5: .array((0..<next(5)).map { _ in value(depth: depth - 1) })
        default:
            .object(
                JSONObject((0..<next(5)).map { _ in (["a", "b/c", "~1", "", "0"][next(5)], value(depth: depth - 1)) }))
        }
    }

    mutating func variant(of value: JSONValue) -> JSONValue {
        switch value {
        case .array(var elements):
            if next(3) == 0 { elements.insert(self.value(depth: 1), at: next(elements.count + 1)) }
            if !elements.isEmpty, next(3) == 0 { elements.remove(at: next(elements.count)) }
            for index in elements.indices where next(2) == 0 { elements[index] = variant(of: elements[index]) }
            return .array(elements)
        case .object(var object):
            for member in object.members {
                switch next(4) {
                case 0: object[member.name] = nil
                case 1: object[member.name] = variant(of: member.value)
                default: break
                }
            }
            object["new"] = next(3) == 0 ? self.value(depth: 1) : nil
            return .object(object)
        case .string, .number, .bool, .null: return next(2) == 0 ? value : self.value(depth: 1)
        }
    }
}
