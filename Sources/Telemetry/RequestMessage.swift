// SPDX-License-Identifier: Apache-2.0

/// How much the log says about single requests besides their access lines.
package enum LogDetail: Int, Sendable, Comparable {
    case none, debug, trace

    package static func < (left: LogDetail, right: LogDetail) -> Bool { left.rawValue < right.rawValue }
}

/// A message about one request, at the level debug or trace. It has the form of the program's other messages, and the
/// request's ID.
package struct RequestMessage {
    private let level: LogDetail
    private let message: StaticString
    private let time: Double
    private let id: String
    private let fields: [(name: StaticString, value: String)]

    /// - Parameter fields: never secrets; a field without a value is left out.
    package init(
        _ level: LogDetail, _ message: StaticString, time: Double, id: String,
        _ fields: [(name: StaticString, value: String)]
    ) {
        self.level = level
        self.message = message
        self.time = time
        self.id = id
        self.fields = fields
    }

    /// Appends one line, with its line end.
    package func append(to out: inout [UInt8], format: LogFormat) {
        var line = LogLine(format: format, time: time)
        line.addWord("level", level == .trace ? "trace" : "debug")
        line.addWord("logger", "sidegate.request")
        line.add("message", message.description, limit: Limit.message)
        line.add("id", id, limit: Limit.short)
        for field in fields { line.add(field.name.description, field.value, limit: Limit.message) }
        line.end(appendingTo: &out)
    }
}
