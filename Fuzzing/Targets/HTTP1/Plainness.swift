// SPDX-License-Identifier: Apache-2.0

import HTTP

/// A second, naive parser of accepted heads: it splits lines at CRLF, and each at its first colon, like any parser,
/// and rejects anything that must not be passed on to a parser.
package enum Plainness {
    /// A head as such a parser sees it.
    private struct Plain {
        var startLine: [UInt8] = []
        var values: [String: [String]] = [:]
        var fault: String?
    }

    package static func fault(_ head: RequestHead) -> String? {
        // The path that the parser adds to an absolute target is after the head.
        var bytes = head.bytes
        if head.path.upperBound == bytes.count { bytes.removeLast() }
        let plain = read(bytes, head.fields)
        if let fault = plain.fault { return fault }
        let parts = plain.startLine.split(separator: 32, omittingEmptySubsequences: false)
        guard parts.count == 3, Array(parts[0]) == Array(head.bytes[head.methodName.range]),
            Array(parts[1]) == Array(head.bytes[head.target.range])
        else { return "a request line" }
        guard parts[1].allSatisfy({ 0x21...0x7e ~= $0 && $0 != UInt8(ascii: "#") }) else { return "a target" }
        return fault(head, plain.values)
    }

    package static func fault(_ head: ResponseHead) -> String? {
        let plain = read(head.bytes, head.fields)
        if let fault = plain.fault { return fault }
        guard String(decoding: plain.startLine.prefix(12).suffix(3), as: UTF8.self) == String(head.status) else {
            return "a status line"
        }
        let lengths = plain.values["content-length"] ?? []
        let codings = plain.values["transfer-encoding"] ?? []
        switch head.framing {
        case .none: return nil
        case .untilClose: return lengths.isEmpty && codings.isEmpty ? nil : "no framing"
        case .chunked: return lengths.isEmpty && codings.map { $0.lowercased() } == ["chunked"] ? nil : "a coding"
        case .length(let length):
            return codings.isEmpty && lengths.count == 1 && UInt64(lengths[0]) == length ? nil : "a length"
        }
    }

    private static func read(_ bytes: [UInt8], _ fields: [Field]) -> Plain {
        var plain = Plain()
        guard bytes.suffix(4) == [13, 10, 13, 10] else { return Plain(fault: "no end") }
        var lines: [[UInt8]] = [[]]
        var index = 0
        while index < bytes.count - 4 {
            if bytes[index] == 13, bytes[index + 1] == 10 {
                lines.append([])
                index += 2
                continue
            }
            if bytes[index] < 0x20 && bytes[index] != 9 || bytes[index] == 0x7f {
                return Plain(fault: "a control byte")
            }
            lines[lines.count - 1].append(bytes[index])
            index += 1
        }
        plain.startLine = lines[0]
        guard lines.count - 1 == fields.count else { return Plain(fault: "a number of fields") }
        for (line, field) in zip(lines.dropFirst(), fields) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else {
                return Plain(fault: "a line without a name")
            }
            let name = String(decoding: line[..<colon], as: UTF8.self)
            guard name.utf8.allSatisfy({ Self.tokens.contains($0) }) else { return Plain(fault: "a name") }
            guard line[..<colon] == bytes[field.name.range] else { return Plain(fault: "another name") }
            var value = line[(colon + 1)...]
            while value.first == 32 || value.first == 9 { value.removeFirst() }
            while value.last == 32 || value.last == 9 { value.removeLast() }
            guard value == bytes[field.value.range] else { return Plain(fault: "another value") }
            guard (field.known == .other ? nil : field.known.name.description) == known(name) else {
                return Plain(fault: "another field")
            }
            plain.values[name.lowercased(), default: []].append(String(decoding: value, as: UTF8.self))
        }
        return plain
    }

    private static func fault(_ head: RequestHead, _ values: [String: [String]]) -> String? {
        let lengths = values["content-length"] ?? []
        let codings = values["transfer-encoding"] ?? []
        switch head.framing {
        case .none: guard lengths.isEmpty, codings.isEmpty else { return "no framing" }
        case .length(let length):
            guard codings.isEmpty, lengths.count == 1, lengths[0].utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
                UInt64(lengths[0]) == length
            else { return "a length" }
        case .chunked: guard lengths.isEmpty, codings.map({ $0.lowercased() }) == ["chunked"] else { return "a coding" }
        case .untilClose: return "an endless request"
        }
        let hosts = values["host"] ?? []
        guard hosts.count == 1 || hosts.isEmpty && head.version == .http10 else { return "a number of hosts" }
        guard hosts.allSatisfy({ !$0.isEmpty && !$0.contains { ",/@?#\\ %\t".contains($0) } }) else { return "a host" }
        return nil
    }

    private static func known(_ name: String) -> String? {
        KnownField.allCases.map(\.name.description).first { !$0.isEmpty && $0 == name.lowercased() }
    }

    private static let tokens = Set(
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
}
