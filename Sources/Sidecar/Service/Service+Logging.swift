// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import Logging
import Telemetry

extension Service {
    static func format(_ settings: Settings) -> LogFormat {
        switch settings.log.format {
        case .json: .json
        case .text: .text
        case nil: isatty(1) == 1 ? .text : .json
        }
    }

    static func level(_ settings: Settings) -> Logger.Level {
        switch settings.log.level {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }

    static func logger(_ threshold: LogThreshold, _ format: LogFormat, _ log: LogWriter) -> Logger {
        Logger(label: "sidegate") { label in
            SidegateLogHandler(label: label, threshold: threshold, format: format, sink: log)
        }
    }
}
