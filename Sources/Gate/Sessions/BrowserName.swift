// SPDX-License-Identifier: Apache-2.0

/// A browser, or another client, in a few words: `Firefox 128 on Linux`. From `User-Agent`, which anybody can choose: it serves
/// people to recognise their sessions, and nothing is decided by it.
package struct BrowserName: Equatable, Sendable, CustomStringConvertible {
    /// At most 48 printable ASCII characters; empty for a client that names nothing.
    package let description: String

    package init(userAgent: [UInt8]) {
        let text = String(
            decoding: userAgent.prefix(Self.readBytes).map { 0x20...0x7e ~= $0 ? $0 : 0x3f }, as: UTF8.self)
        var words: [String] = []
        if let product = Self.product(in: text) { words.append(product) }
        if let system = Self.systems.first(where: { text.contains($0.mark) }) {
            words.append(words.isEmpty ? system.name : "on " + system.name)
        }
        description = String(words.joined(separator: " ").prefix(Self.maximumLength))
    }

    private static func product(in text: String) -> String? {
        for product in products {
            guard let range = text.firstRange(of: product.mark) else { continue }
            // Safari states its version by another mark.
            let start = product.version.flatMap { text.firstRange(of: $0)?.upperBound } ?? range.upperBound
            let digits = text[start...].prefix { $0.isASCII && $0.isNumber }
            return digits.isEmpty ? product.name : "\(product.name) \(digits.prefix(6))"
        }
        // `curl/8.5.0`: the first product, with its version.
        let word = text.drop { $0 == " " }.prefix { $0 != " " && $0 != "(" }
        let parts = word.split(separator: "/", maxSplits: 1)
        guard let name = parts.first, name != "Mozilla" else { return nil }
        let version = parts.count > 1 ? " " + parts[1].prefix(16) : ""
        return String(name.prefix(24)) + version
    }

    /// The more specific first: most browsers name others too.
    private static let products: [(mark: String, name: String, version: String?)] = [
        ("Edg/", "Edge", nil), ("EdgA/", "Edge", nil), ("EdgiOS/", "Edge", nil), ("OPR/", "Opera", nil),
        ("SamsungBrowser/", "Samsung Internet", nil), ("Vivaldi/", "Vivaldi", nil), ("FxiOS/", "Firefox", nil),
        ("Firefox/", "Firefox", nil), ("CriOS/", "Chrome", nil), ("HeadlessChrome/", "Chrome", nil),
        ("Chrome/", "Chrome", nil), ("Safari/", "Safari", "Version/"),
    ]
    private static let systems: [(mark: String, name: String)] = [
        ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
        ("Macintosh", "macOS"), ("Linux", "Linux"),
    ]
    private static let readBytes = 512
    private static let maximumLength = 48
}
