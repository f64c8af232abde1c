// SPDX-License-Identifier: Apache-2.0

import JWT

/// JSON with two blanks of indentation, for people and for files under version control.
enum PrettyJSON {
    static func text(_ value: JSONValue) -> String {
        var output: [UInt8] = []
        append(value, indentation: 0, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    private static func append(_ value: JSONValue, indentation: Int, to output: inout [UInt8]) {
        switch value {
        case .object(let object) where !object.isEmpty:
            output.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                breakLine(index > 0, indentation + 2, &output)
                JSONWriter.append(member.name, to: &output)
                output += Array(": ".utf8)
                append(member.value, indentation: indentation + 2, to: &output)
            }
            breakLine(false, indentation, &output)
            output.append(UInt8(ascii: "}"))
        case .array(let items) where items.contains(where: { $0.object != nil }):
            output.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                breakLine(index > 0, indentation + 2, &output)
                append(item, indentation: indentation + 2, to: &output)
            }
            breakLine(false, indentation, &output)
            output.append(UInt8(ascii: "]"))
        default:
            JSONWriter.append(value, to: &output)
        }
    }

    private static func breakLine(_ comma: Bool, _ indentation: Int, _ output: inout [UInt8]) {
        if comma { output.append(UInt8(ascii: ",")) }
        output.append(UInt8(ascii: "\n"))
        output += Array(repeating: UInt8(ascii: " "), count: indentation)
    }
}
