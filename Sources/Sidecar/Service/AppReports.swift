// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import Logging
import Proxy
import Synchronization

/// What workers report of the apps, for the log. Deviations from HTTP that were accepted are logged once for each app and
/// kind, whatever the number of workers and reloads.
final class AppReports: Sendable {
    private struct Entry {
        let endpoint: UpstreamConfiguration.Endpoint
        var logged = TolerationSet()
    }

    private let logger: Logger
    private let entries = Mutex<[Entry]>([])

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Has the app of `configuration` report here.
    ///
    /// - Parameter address: as it is in the configuration.
    func receive(from configuration: inout UpstreamConfiguration, _ address: String) {
        let endpoint = configuration.endpoint
        configuration.failed = { [logger] fault in
            logger.warning(
                Self.message(fault.loss),
                metadata: [
                    "upstream": "\(address)", "cause": "\(fault.cause.rawValue)", "detail": "\(fault.detail)",
                ])
        }
        configuration.tolerated = { [self] toleration in
            guard isNew(toleration, endpoint) else { return }
            logger.notice(
                "a response of the app deviates from HTTP, and was put right",
                metadata: [
                    "upstream": "\(address)", "what": "\(toleration.name)", "detail": "\(toleration.description)",
                ])
        }
        configuration.reservedCookieUsed = { [logger] use in
            switch use {
            case .set(let name):
                logger.notice(
                    "a cookie that the app set was dropped: its name is reserved for the gate",
                    metadata: ["cookie": "\(name)"])
            case .cleared:
                logger.notice(
                    """
                    cookies were taken out of the app's Clear-Site-Data, since that would end the gate's session; paths that \
                    end it belong into session.logoutPaths
                    """)
            }
        }
    }

    private func isNew(_ toleration: Toleration, _ endpoint: UpstreamConfiguration.Endpoint) -> Bool {
        entries.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.endpoint == endpoint }) else {
                // Apps come and go with reloads; a log that forgets is better than memory that grows.
                if entries.count >= Self.maximumEntries { entries.removeFirst() }
                entries.append(Entry(endpoint: endpoint, logged: TolerationSet(toleration)))
                return true
            }
            defer { entries[index].logged.insert(toleration) }
            return !entries[index].logged.contains(toleration)
        }
    }

    private static func message(_ loss: UpstreamLoss) -> Logger.Message {
        switch loss {
        case .unreachable, .connectTimeout: "no connection to the app"
        case .notSecured: "no secure connection to the app"
        case .overloaded: "no free connection to the app"
        case .closed, .responseTimeout, .malformed, .reset, .refused: "no valid response from the app"
        }
    }

    private static let maximumEntries = 1024
}
