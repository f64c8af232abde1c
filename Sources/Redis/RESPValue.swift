// SPDX-License-Identifier: Apache-2.0

/// One reply of Redis or Valkey, versions 2 and 3 of their protocol (RESP).
package enum RESPValue: Equatable, Sendable {
    case simple([UInt8])
    /// Such as `WRONGTYPE Operation against a key …`; the first word is the kind.
    case error([UInt8])
    case integer(Int64)
    case bulk([UInt8])
    case null
    case boolean(Bool)
    /// As text.
    case double([UInt8])
    case array([RESPValue])
    /// Alternating names and values.
    case map([RESPValue])
    /// An out-of-band message, not a reply.
    case push([RESPValue])

    /// The content of a string reply of any kind.
    package var bytes: [UInt8]? {
        switch self {
        case .simple(let bytes), .bulk(let bytes), .double(let bytes): bytes
        case .error, .integer, .null, .boolean, .array, .map, .push: nil
        }
    }

    package var elements: [RESPValue]? {
        switch self {
        case .array(let elements), .map(let elements), .push(let elements): elements
        case .simple, .error, .integer, .bulk, .null, .boolean, .double: nil
        }
    }

    package var integer: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    func isText(_ text: StaticString) -> Bool {
        guard let bytes, bytes.count == text.utf8CodeUnitCount else { return false }
        return unsafe bytes.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

/// A command: its name and its arguments, each of arbitrary bytes.
package struct RESPCommand: Sendable, Equatable {
    package let parts: [[UInt8]]

    package init(_ parts: [[UInt8]]) {
        self.parts = parts
    }

    package init(_ name: String) {
        parts = [Array(name.utf8)]
    }

    package init(_ name: String, _ arguments: [UInt8]...) {
        parts = [Array(name.utf8)] + arguments
    }

    package init(_ name: String, texts: String...) {
        parts = [Array(name.utf8)] + texts.map { Array($0.utf8) }
    }

    /// Appends it as an array of bulk strings, the one form that servers of every version accept.
    package func encode(into output: inout [UInt8]) {
        output.append(UInt8(ascii: "*"))
        Self.append(parts.count, to: &output)
        for part in parts {
            output.append(UInt8(ascii: "$"))
            Self.append(part.count, to: &output)
            output.append(contentsOf: part)
            output.append(13)
            output.append(10)
        }
    }

    package var encoded: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(parts.reduce(16) { $0 + $1.count + 16 })
        encode(into: &output)
        return output
    }

    private static func append(_ number: Int, to output: inout [UInt8]) {
        output.append(contentsOf: String(number).utf8)
        output.append(13)
        output.append(10)
    }
}
