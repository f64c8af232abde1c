// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Logging

/// Writes swift-log's messages in the form of the access log: one line each, whatever they contain.
package struct SidegateLogHandler: LogHandler {
    package var logLevel: Logger.Level {
        get { ownLevel ?? threshold.level }
        set { ownLevel = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let threshold: LogThreshold
    /// The level set for this logger alone.
    private var ownLevel: Logger.Level?
    private let label: String
    private let format: LogFormat
    private let sink: any LogSink
    private let now: @Sendable () -> Double

    /// - Parameter now: the wall clock, in seconds since 1970.
    package init(
        label: String, level: Logger.Level, format: LogFormat, sink: any LogSink,
        now: @escaping @Sendable () -> Double = wallClock
    ) {
        self.init(label: label, threshold: LogThreshold(level), format: format, sink: sink, now: now)
    }

    /// - Parameter threshold: the minimum level, unless one is set for this logger.
    package init(
        label: String, threshold: LogThreshold, format: LogFormat, sink: any LogSink,
        now: @escaping @Sendable () -> Double = wallClock
    ) {
        self.label = label
        self.threshold = threshold
        self.format = format
        self.sink = sink
        self.now = now
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var line = LogLine(format: format, time: now())
        line.addWord("level", event.level.rawValue)
        line.addWord("logger", label)
        line.add("message", event.message.description, limit: Limit.message)
        if let error = event.error { line.add("error", "\(error)", limit: Limit.message) }
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        for (name, value) in all.sorted(by: { $0.key < $1.key }) {
            // A value must not look like one of the line's own fields.
            line.add(Self.reserved.contains(name) ? "_" + name : name, value.description, limit: Limit.message)
        }
        var bytes: [UInt8] = []
        line.end(appendingTo: &bytes)
        sink.write(bytes)
    }

    private static let reserved: Set<String> = ["time", "level", "logger", "message", "error", "kind"]
}

/// Seconds since 1970 by the system's clock.
@Sendable
package func wallClock() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
