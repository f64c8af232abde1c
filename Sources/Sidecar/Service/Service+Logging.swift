// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import Logging
import Proxy
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

    static func requestLog(
        _ proxy: ProxyConfiguration, _ format: LogFormat, _ log: LogWriter, _ feed: AuditFeed
    ) -> RequestLog {
        RequestLog(
            format: format, logsRequests: proxy.logsRequests, detail: proxy.logDetail, sink: log, listener: feed)
    }

    /// What the first line says: the program, and its configuration.
    static func startFacts(_ loaded: LoadedConfiguration, version: String) -> Logger.Metadata {
        [
            "version": "\(version)",
            "configuration": "\(ConfigurationIdentity(file: loaded.file).path ?? "environment and command line")",
        ]
    }

    /// What `check` warns of.
    static func logWarnings(_ findings: [Finding], _ logger: Logger) {
        for finding in findings where finding.severity == .warning {
            logger.warning("configuration", metadata: ["finding": "\(finding)"])
        }
    }

    static func logger(_ threshold: LogThreshold, _ format: LogFormat, _ log: LogWriter) -> Logger {
        Logger(label: "sidegate") { label in
            SidegateLogHandler(label: label, threshold: threshold, format: format, sink: log)
        }
    }
}

extension LogDetail {
    init(_ level: LogSettings.Level) {
        self =
            switch level {
            case .trace: .trace
            case .debug: .debug
            case .info, .notice, .warning, .error, .critical: .none
            }
    }
}
