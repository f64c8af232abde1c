// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The names by which the console may be reached. A page of another site can have its own name resolve to this machine (DNS
/// rebinding), but the browser then sends that name.
struct AdminHosts: Sendable {
    private let names: [String]

    /// - Parameter names: in lower case; `*.` before one stands for one label.
    init(_ names: [String]) {
        self.names = names
    }

    /// - Parameter authority: host, and port if any.
    func contains(_ authority: String) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        if host == "localhost" || IPAddress(text: host) != nil { return true }
        return names.contains { pattern in
            guard pattern.hasPrefix("*.") else { return pattern == host }
            let label = host.prefix { $0 != "." }
            return !label.isEmpty && host.dropFirst(label.count) == pattern.dropFirst(1)
        }
    }

    /// In lower case, and without brackets; nil: it cannot be read.
    private static func host(of authority: String) -> String? {
        let text = authority.lowercased()
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let rest = text[end...].dropFirst()
            guard rest.isEmpty || isPort(rest) else { return nil }
            let host = String(text[..<end].dropFirst())
            return host.contains(":") ? host : nil
        }
        let host = text.prefix { $0 != ":" }
        let rest = text[host.endIndex...]
        guard !host.isEmpty, rest.isEmpty || isPort(rest) else { return nil }
        return String(host)
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.first == ":" && text.dropFirst().allSatisfy { $0.isASCII && $0.isNumber } && text.count <= 6
    }
}
