// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The app's own session cookies (`session.appCookies`), which end when the user signs out or another one signs in: the
/// app would continue to serve the previous user.
///
/// A browser does not say for which path and domain a cookie was set, and ends only the one that is named exactly. So
/// each name is ended for the root, for the paths of the configured apps and for the first segment of the page at hand;
/// for the host alone, for the host by name and for `session.domain`.
struct AppCookies: Sendable {
    private let names: [[UInt8]]
    private let paths: [[UInt8]]
    private let domain: [UInt8]
    /// An app that is shown in frames may have partitioned cookies of its own, which are others for a browser.
    private let isPartitioned: Bool

    init(_ configuration: GateConfiguration) {
        names = configuration.session.appCookies.map { Array($0.utf8) }
        domain = Array(configuration.session.domain.utf8)
        isPartitioned = configuration.session.partitioned
        var paths: [[UInt8]] = []
        for path in configuration.apps.flatMap(\.paths) {
            for own in Self.firstSegment(Array(path.description.utf8)) where !paths.contains(own) { paths.append(own) }
        }
        self.paths = Array(paths.prefix(Self.maximumPaths))
    }

    var isEmpty: Bool { names.isEmpty }

    /// Set-Cookie values.
    ///
    /// - Parameters:
    ///   - host: of the site, as the browser sees it.
    ///   - page: the path of a page of the app.
    func ended(host: [UInt8], isSecure: Bool, page: [UInt8]) -> [[UInt8]] {
        guard !names.isEmpty else { return [] }
        var places: [(path: [UInt8], domain: [UInt8])] = [([UInt8(ascii: "/")], [])]
        if Self.isName(host) { places.append(([UInt8(ascii: "/")], host)) }
        if !domain.isEmpty, domain != host { places.append(([UInt8(ascii: "/")], domain)) }
        for path in paths + Self.firstSegment(page).filter({ !paths.contains($0) }) { places.append((path, [])) }
        return names.flatMap { name in
            // Browsers keep this prefix for the root of one host.
            let isOfHost = name.count > 7 && name.span.extracting(0..<7).equalsIgnoringCase("__host-")
            return (isOfHost ? [places[0]] : places).flatMap { place in
                var line = name
                line.append("=; Path=")
                line.append(contentsOf: place.path)
                line.append("; Max-Age=0")
                if !place.domain.isEmpty {
                    line.append("; Domain=")
                    line.append(contentsOf: place.domain)
                }
                if isSecure { line.append("; Secure") }
                return isPartitioned && isSecure
                    ? [line, line + Array("; SameSite=None; Partitioned".utf8)] : [line]
            }
        }
    }

    /// `/app` and `/app/` of `/app/page?query`: either may be a cookie's path.
    private static func firstSegment(_ page: [UInt8]) -> [[UInt8]] {
        guard page.first == UInt8(ascii: "/") else { return [] }
        let segment = page.dropFirst().prefix { $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || isMark($0) }
        let end = page.dropFirst(segment.count + 1).first
        guard (1...64).contains(segment.count), end == UInt8(ascii: "/"), segment.first != UInt8(ascii: ".") else {
            return []
        }
        let path = [UInt8(ascii: "/")] + segment
        return [path, path + [UInt8(ascii: "/")]]
    }

    private static func isMark(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "~")
    }

    /// A name with a dot that is no address: browsers take it as a cookie's domain.
    private static func isName(_ host: [UInt8]) -> Bool {
        guard let last = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).last,
            last.count < host.count
        else { return false }
        return host.first != UInt8(ascii: "[") && last.contains { ($0 | 0x20) &- 0x61 < 26 }
    }

    private static let maximumPaths = 16
}
