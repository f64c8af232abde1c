// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import Pages

/// The fields of a form, in their order, as the bytes that came.
///
/// Read as strictly as browsers write (HTML §4.10.22, RFC 7578): what no browser has written, none could write again.
package struct FormContent: Equatable {
    package private(set) var fields: [KeptForm.Field] = []

    package static let maximumFields = 1000

    package init(_ content: [UInt8], _ encoding: FormEncoding) throws(FormLoss) {
        switch encoding {
        case .urlencoded: try readPairs(content.span)
        case .multipart(let boundary): try readParts(content, boundary)
        }
    }

    /// What stands for this form at this address, however a browser writes it: without NUL, and with line ends as it sends
    /// them.
    func digest(at target: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.appendCounted(target)
        for field in fields {
            text.append(field.isEmptyFile ? 1 : 0)
            text.appendCounted(Self.normalized(field.name))
            text.appendCounted(Self.normalized(field.value))
        }
        return SHA256.hash(text.span)
    }

    private mutating func add(_ name: [UInt8], _ value: [UInt8], isEmptyFile: Bool = false) throws(FormLoss) {
        guard fields.count < Self.maximumFields else { throw .tooManyFields }
        // Browsers send no field without a name.
        guard name.contains(where: { $0 != 0 }) else { throw .unsendable }
        fields.append(KeptForm.Field(name: name, value: value, isEmptyFile: isEmptyFile))
    }

    // MARK: application/x-www-form-urlencoded

    private mutating func readPairs(_ content: Span<UInt8>) throws(FormLoss) {
        var start = 0
        while start < content.count {
            let end = content.firstIndex(of: UInt8(ascii: "&"), in: start..<content.count)
            if start < end {
                let equals = content.firstIndex(of: UInt8(ascii: "="), in: start..<end)
                try add(
                    Self.decoded(content.extracting(start..<equals)),
                    Self.decoded(content.extracting(min(equals + 1, end)..<end)))
            }
            start = end + 1
        }
    }

    private static func decoded(_ text: Span<UInt8>) throws(FormLoss) -> [UInt8] {
        var output: [UInt8] = []
        guard PercentEncoding.decode(text, plusIsSpace: true, into: &output) else { throw .unsendable }
        return output
    }

    // MARK: multipart/form-data

    private mutating func readParts(_ content: [UInt8], _ boundary: [UInt8]) throws(FormLoss) {
        let delimiter = Array("--".utf8) + boundary
        guard content.starts(with: delimiter) else { throw .unsendable }
        var position = delimiter.count
        let next = Self.lineEnd + delimiter
        while true {
            let rest = content[position...]
            if rest.starts(with: "--".utf8) {
                let epilogue = rest.dropFirst(2)
                guard epilogue.isEmpty || epilogue.elementsEqual(Self.lineEnd) else { throw .unsendable }
                return
            }
            guard rest.starts(with: Self.lineEnd),
                let headEnd = content.span.firstIndex(of: Self.headEnd.span, from: position)
            else { throw .unsendable }
            let valueStart = headEnd + 4
            // The line end before the delimiter is the delimiter's.
            guard let valueEnd = content.span.firstIndex(of: next.span, from: valueStart) else { throw .unsendable }
            let head = try PartHead(Array(content[position + 2..<max(headEnd, position + 2)]))
            let value = Array(content[valueStart..<valueEnd])
            // A field for a file, of which none was chosen, has an empty name of a file (HTML §4.10.22.4).
            guard !head.isFile || head.hasEmptyFileName && value.isEmpty else { throw .files }
            try add(head.name, value, isEmptyFile: head.isFile)
            position = valueEnd + next.count
        }
    }

    // MARK: Normal form

    /// As ``KeptForm`` and a browser write it: CRLF for every line end.
    private static func normalized(_ text: [UInt8]) -> [UInt8] {
        guard text.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) else { return text }
        var output: [UInt8] = []
        output.reserveCapacity(text.count + 16)
        var previous: UInt8 = 0
        for byte in text where byte != 0 {
            switch byte {
            case 13: output.append(contentsOf: lineEnd)
            case 10: if previous != 13 { output.append(contentsOf: lineEnd) }
            default: output.append(byte)
            }
            previous = byte
        }
        return output
    }

    private static let lineEnd: [UInt8] = [13, 10]
    private static let headEnd = lineEnd + lineEnd
}

/// The header of one part, as browsers write it.
private struct PartHead {
    /// As it is written: `"` and line ends are escaped by `%` (WHATWG HTML), and a browser does so again.
    private(set) var name: [UInt8] = []
    private(set) var isFile = false
    private(set) var hasEmptyFileName = false

    init(_ text: [UInt8]) throws(FormLoss) {
        var isNamed = false
        var hasType = false
        for line in text.split(separator: 10, omittingEmptySubsequences: false) {
            var line = Array(line)
            if line.last == 13 { line.removeLast() }
            let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.count
            let bytes = line.span
            let label = bytes.extracting(0..<colon)
            if label.equalsIgnoringCase("content-disposition"), !isNamed {
                isNamed = true
                try readDisposition(Array(line.dropFirst(colon + 1)))
            } else if label.equalsIgnoringCase("content-type"), !hasType {
                hasType = true
            } else {
                throw .unsendable
            }
        }
        // Only files have a type.
        guard isNamed, isFile || !hasType else { throw .unsendable }
    }

    /// ` form-data; name="…"`, and `; filename="…"`.
    private mutating func readDisposition(_ text: [UInt8]) throws(FormLoss) {
        let start = Array(" form-data; name=\"".utf8)
        guard text.starts(with: start) else { throw .unsendable }
        let rest = text.dropFirst(start.count)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { throw .unsendable }
        name = Array(rest[..<end])
        let parameters = rest[(end + 1)...]
        guard !parameters.isEmpty else { return }
        guard parameters.starts(with: "; filename".utf8) else { throw .unsendable }
        isFile = true
        hasEmptyFileName = parameters.elementsEqual("; filename=\"\"".utf8)
    }
}
