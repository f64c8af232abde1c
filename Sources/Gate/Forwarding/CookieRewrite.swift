// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Set-Cookie of an app whose address is not the one that the browser sees (RFC 6265 §4.1).
///
/// `Path` gains the prefix that the app does not know of. A `Domain` that is the app's own host is removed, so the cookie
/// belongs to the host that the browser sees. Neither ever makes a cookie valid in more places.
enum CookieRewrite {
    /// - Parameter prefix: `/wiki`, or empty.
    /// - Returns: the value as the browser gets it; nil: it stays.
    static func rewritten(_ value: Span<UInt8>, prefix: [UInt8], host: AppOrigin?) -> [UInt8]? {
        let pairEnd = value.firstIndex(of: UInt8(ascii: ";"), in: 0..<value.count)
        guard pairEnd < value.count else { return nil }
        // Browsers accept these with the path / only (RFC 6265bis §4.1.3.2).
        let needsRoot = hasHostPrefix(value.extracting(SetCookieName.range(in: value)))
        let domain = Self.lastValue(of: "domain", in: value, from: pairEnd)
        let removesDomain = domain.map { host?.isNamed(by: value.extracting($0)) ?? false } ?? false
        var output = Array(copying: value.extracting(0..<pairEnd))
        var isChanged = false
        forEachAttribute(of: value, from: pairEnd) { attribute, name, text in
            // All of them: another one would take the place of the last.
            if removesDomain, value.extracting(name).equalsIgnoringCase("domain") {
                isChanged = true
                return
            }
            let path = Array(copying: value.extracting(text))
            guard !prefix.isEmpty, !needsRoot, value.extracting(name).equalsIgnoringCase("path"),
                path.first == UInt8(ascii: "/"), !RedirectRewrite.begins(path, with: prefix)
            else { return output.append(copying: value.extracting(attribute)) }
            isChanged = true
            output.append(copying: value.extracting(attribute.lowerBound..<text.lowerBound))
            output.append(contentsOf: prefix)
            // The path of `/wiki/` is not valid for `/wiki`, the path of `/wiki` is for both.
            if path.count > 1 { output.append(contentsOf: path) }
            output.append(copying: value.extracting(text.upperBound..<attribute.upperBound))
        }
        return isChanged ? output : nil
    }

    /// Calls `body` with the place of each attribute, semicolon included, of its name and of its value.
    private static func forEachAttribute(
        of value: Span<UInt8>, from start: Int, _ body: (Range<Int>, Range<Int>, Range<Int>) -> Void
    ) {
        var start = start
        while start < value.count {
            let end = value.firstIndex(of: UInt8(ascii: ";"), in: start + 1..<value.count)
            let sign = value.firstIndex(of: UInt8(ascii: "="), in: start + 1..<end)
            body(start..<end, value.trimmed(start + 1..<sign), value.trimmed(min(sign + 1, end)..<end))
            start = end
        }
    }

    /// The value of the attribute that counts where there are several, without a dot before a domain.
    private static func lastValue(of wanted: StaticString, in value: Span<UInt8>, from start: Int) -> Range<Int>? {
        var found: Range<Int>?
        forEachAttribute(of: value, from: start) { _, name, text in
            guard value.extracting(name).equalsIgnoringCase(wanted) else { return }
            let hasDot = !text.isEmpty && value[text.lowerBound] == UInt8(ascii: ".")
            found = hasDot ? text.lowerBound + 1..<text.upperBound : text
        }
        return found
    }

    private static func hasHostPrefix(_ name: Span<UInt8>) -> Bool {
        name.count >= 7 && name.extracting(0..<7).equalsIgnoringCase("__host-")
    }
}
