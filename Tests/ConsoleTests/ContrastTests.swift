// SPDX-License-Identifier: Apache-2.0

import Console
import Testing

/// The colours of the style sheet, light and dark, and the contrast that WCAG 2.2 asks for (§1.4.3, §1.4.11).
@Suite("Contrast")
struct ContrastTests {
    struct Pair: Sendable {
        var front: String
        var back: String
        var least: Double
    }

    static let pairs: [Pair] =
        ["--card", "--ground", "--field"].flatMap { back in
            ["--text", "--soft", "--accent"].map { Pair(front: $0, back: back, least: 4.5) }
        }
        + [
            ("--good", "--good-soft"), ("--warn", "--warn-soft"), ("--bad", "--bad-soft"), ("--on-accent", "--accent"),
            ("--card", "--bad"), ("--bad", "--card"),
        ].map { Pair(front: $0.0, back: $0.1, least: 4.5) }
        + (0...5).map { Pair(front: "--s\($0)", back: "--card", least: 3) }
        + [Pair(front: "--edge", back: "--card", least: 3), Pair(front: "--edge", back: "--ground", least: 2.9)]

    @Test("is enough for text and for signs, in the light and in the dark", arguments: pairs)
    func contrast(_ pair: Pair) throws {
        for colours in [Self.colours(isDark: false), Self.colours(isDark: true)] {
            let front = try #require(colours[pair.front].flatMap(Self.luminance))
            let back = try #require(colours[pair.back].flatMap(Self.luminance))
            let ratio = (max(front, back) + 0.05) / (min(front, back) + 0.05)
            #expect(ratio >= pair.least, "\(pair.front) on \(pair.back): \(ratio)")
        }
    }

    /// The custom properties of `:root`; in the dark those of the light that are not replaced remain.
    private static func colours(isDark: Bool) -> [String: String] {
        var colours: [String: String] = [:]
        var rest = Substring(ConsoleStyle.sheet)
        while let start = rest.firstRange(of: ":root{") {
            let isReplacement = rest[..<start.lowerBound].hasSuffix("@media (prefers-color-scheme:dark){")
            let body = rest[start.upperBound...].prefix { $0 != "}" }
            rest = rest[start.upperBound...]
            guard isDark || !isReplacement else { continue }
            for declaration in body.split(separator: ";") {
                let parts = declaration.split(separator: ":", maxSplits: 1)
                if parts.count == 2, parts[1].hasPrefix("#") { colours[String(parts[0])] = String(parts[1]) }
            }
        }
        return colours
    }

    /// Relative luminance (WCAG 2.2, definitions) of `#rgb` or `#rrggbb`.
    private static func luminance(_ colour: String) -> Double? {
        var digits = Array(colour.dropFirst())
        if digits.count == 3 { digits = digits.flatMap { [$0, $0] } }
        guard digits.count == 6 else { return nil }
        var channels: [Double] = []
        for index in stride(from: 0, to: 6, by: 2) {
            guard let value = Int(String(digits[index...index + 1]), radix: 16) else { return nil }
            let share = Double(value) / 255
            channels.append(share <= 0.04045 ? share / 12.92 : power((share + 0.055) / 1.055, 2.4))
        }
        return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    }

    /// Without a library of mathematics: x^2 · (x^2)^(1/5), by Newton's method.
    private static func power(_ base: Double, _ exponent: Double) -> Double {
        precondition(exponent == 2.4)
        let square = base * base
        var root = 1.0
        for _ in 0..<60 { root -= (root * root * root * root * root - square) / (5 * root * root * root * root) }
        return square * root
    }
}
