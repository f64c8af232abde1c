// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What an app did to cookies of the gate's names.
package enum ReservedCookieUse: Equatable, Sendable {
    /// It set or expired the one of that name.
    case set(String)
    /// It cleared all cookies of the site (Clear-Site-Data).
    case cleared
}

extension ResponseHead {
    /// Removes the Set-Cookie fields of the gate's own names from an app's response, and what clears all cookies of the
    /// site; the first such use, or nil.
    ///
    /// The app never receives these cookies and must not set or end them: one that it sets can hide a user's session, or
    /// be another user's.
    ///
    /// - Parameter endsSession: the session ends with this response, and its cookies may.
    mutating func removeOwnCookies(_ own: OwnCookieFilter, endsSession: Bool) -> ReservedCookieUse? {
        var removed: ReservedCookieUse?
        for index in fields.indices.reversed() {
            switch fields[index].known {
            case .setCookie:
                let value = Array(bytes[fields[index].value.range])
                let name = SetCookieName.range(in: value.span)
                guard own.isOurs(value.span.extracting(name)) else { continue }
                removed = .set(String(decoding: value[name], as: UTF8.self))
                removeField(at: index)
            case .clearSiteData where !endsSession:
                let value = Array(bytes[fields[index].value.range])
                guard let rest = ClearSiteData.withoutCookies(value.span) else { continue }
                removed = .cleared
                if rest.isEmpty { removeField(at: index) } else { replaceValue(at: index, with: rest) }
            default: continue
            }
        }
        return removed
    }
}

/// Clear-Site-Data (W3C): a list of quoted types.
enum ClearSiteData {
    /// The list without cookies, perhaps empty; nil: it does not clear them. `*` becomes the other types.
    static func withoutCookies(_ value: Span<UInt8>) -> [UInt8]? {
        var output: [UInt8] = []
        var clearsCookies = false
        var start = 0
        while start <= value.count {
            let end = value.firstIndex(of: UInt8(ascii: ","), in: start..<value.count)
            let element = value.extracting(value.trimmed(start..<end))
            start = end + 1
            if element.isEmpty { continue }
            let isAll = element.equals("\"*\"")
            if isAll || element.equalsIgnoringCase("\"cookies\"") { clearsCookies = true }
            guard !element.equalsIgnoringCase("\"cookies\"") else { continue }
            if !output.isEmpty { output.append(", ") }
            if isAll { output.append(others) } else { output.append(copying: element) }
        }
        return clearsCookies ? output : nil
    }

    private static let others: StaticString = """
        "cache", "clientHints", "executionContexts", "prefetchCache", "prerenderCache", "storage"
        """
}

/// The name under which a browser sends back what a Set-Cookie field sets (RFC 6265bis §5.6).
enum SetCookieName {
    /// Its place in the field's value. A cookie without a name is sent as its value alone, so what stands before an
    /// equals sign there is read as a name: `=sidegate=x` counts as `sidegate`.
    static func range(in value: Span<UInt8>) -> Range<Int> {
        let pairEnd = value.firstIndex(of: UInt8(ascii: ";"), in: 0..<value.count)
        var start = 0
        while start < pairEnd, WhiteSpace.contains(value[start]) || value[start] == UInt8(ascii: "=") { start += 1 }
        var end = value.firstIndex(of: UInt8(ascii: "="), in: start..<pairEnd)
        while end > start, WhiteSpace.contains(value[end - 1]) { end -= 1 }
        return start..<end
    }
}
