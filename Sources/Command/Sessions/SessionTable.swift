// SPDX-License-Identifier: Apache-2.0

import JWT
import YAML

/// Sessions for people: aligned columns, the one seen last first, times as they are here.
struct SessionTable {
    private let rows: [[String]]
    private let hasProviders: Bool

    /// - Parameter now: seconds since 1970.
    init(_ sessions: [JSONValue], now: Double) {
        func text(_ session: JSONValue, _ name: String) -> String { session[name]?.string ?? "" }
        hasProviders = sessions.contains { $0["provider"] != nil }
        let sorted = sessions.sorted { text($0, "lastSeen") > text($1, "lastSeen") }
        rows = sorted.map { session in
            [
                text(session, "id"), Self.short(text(session, "user")), Self.short(text(session, "provider")),
                LocalTime.text(text(session, "since")), Self.age(text(session, "lastSeen"), now: now),
                text(session, "client"), Self.short(text(session, "browser")),
            ].map { PrintableText.escaped($0) }
        }
    }

    var text: String {
        guard !rows.isEmpty else { return "nobody is signed in, as far as this gate has seen\n" }
        let columns = Self.titles.indices.filter { hasProviders || $0 != Self.providerColumn }
        let table = [Self.titles] + rows
        let widths = columns.map { column in table.map { $0[column].count }.max() ?? 0 }
        let lines = table.map { row in
            let cells = zip(columns, widths).map { column, width in
                row[column] + String(repeating: " ", count: width - row[column].count)
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
        let count = rows.count == 1 ? "1 session" : "\(rows.count) sessions"
        return lines.joined(separator: "\n") + "\n\(count)\n"
    }

    private static func short(_ text: String) -> String {
        text.count > maximumWidth ? text.prefix(maximumWidth - 1) + "…" : text
    }

    /// `3 min ago`
    static func age(_ time: String, now: Double) -> String {
        guard let then = Instant(argument: time) else { return time }
        let seconds = max(0, now - then.seconds)
        switch seconds {
        case ..<60: return "now"
        case ..<3600: return "\(Int(seconds / 60)) min ago"
        case ..<86_400: return "\(Int(seconds / 3600)) h ago"
        default: return "\(Int(seconds / 86_400)) d ago"
        }
    }

    private static let titles = ["ID", "USER", "PROVIDER", "SINCE", "LAST SEEN", "CLIENT", "BROWSER"]
    private static let providerColumn = 2
    private static let maximumWidth = 40
}
