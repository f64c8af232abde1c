// SPDX-License-Identifier: Apache-2.0

/// A line with arbitrary fields, for infrequent lines; see ``AccessLog`` for frequent ones.
struct LogLine {
    private let format: LogFormat
    private var bytes: [UInt8] = []

    init(format: LogFormat, time: Double) {
        self.format = format
        bytes.append(addingCapacity: Timestamp.room + 16) { out in
            var timestamp = Timestamp()
            if format == .json { out.append(#"{"time":""#) }
            timestamp.append(time, to: &out)
            if format == .json { out.append(UInt8(ascii: "\"")) }
        }
    }

    /// A field; nothing for an empty value. Names are escaped too, so they may be untrusted; in the text format, where
    /// names have no quotes, characters other than letters, digits, dashes and dots become `_`.
    mutating func add(_ name: String, _ value: String, limit: Int = Limit.middle) {
        guard !value.isEmpty else { return }
        switch format {
        case .json:
            append(",\"")
            append(escaped: name, limit: Limit.short)
            append("\":\"")
        case .text:
            append(" ")
            bytes.append(contentsOf: name.utf8.prefix(Limit.short).map { Self.isPlain($0) ? $0 : UInt8(ascii: "_") })
            append("=\"")
        }
        append(escaped: value, limit: limit)
        append("\"")
    }

    /// A fixed word that the text format shows without a name, such as the level.
    mutating func addWord(_ name: StaticString, _ word: String) {
        switch format {
        case .json: add(name.description, word)
        case .text:
            append(" ")
            append(escaped: word, limit: Limit.short)
        }
    }

    mutating func end(appendingTo out: inout [UInt8]) {
        append(format == .json ? "}\n" : "\n")
        out.append(contentsOf: bytes)
    }

    private mutating func append(_ text: StaticString) {
        bytes.append(addingCapacity: text.utf8CodeUnitCount) { $0.append(text) }
    }

    private mutating func append(escaped text: String, limit: Int) {
        let span = text.utf8.span
        bytes.append(addingCapacity: OutputSpan<UInt8>.escapedBound(span.count, limit: limit)) {
            $0.append(escaped: span, limit: limit)
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
