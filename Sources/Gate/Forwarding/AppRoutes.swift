// SPDX-License-Identifier: Apache-2.0

import HTTP

/// One of `upstreams`: an app of its own for some hosts or paths.
package struct AppRoute: Sendable {
    /// Names in lower case, or `*.` and a name for those one or more labels below it. Empty: all hosts.
    package var hosts: [String] = []
    /// Empty: all paths.
    package var paths: [RulePath] = []
    /// What is taken off the front of the path: `/wiki`, or nothing.
    package var stripPrefix = ""
    /// The Host it gets when the browser's own is not kept.
    package var authority: [UInt8]
    package var preservesHost = true
    /// The gate connects to it by https.
    package var isSecure = false
    /// Its own addresses in responses become addresses of the public site.
    package var rewritesRedirects = false
    /// The most bytes of identity that it gets in a request.
    package var maximumIdentityBytes = 16384
    /// The protocols that it may switch to.
    var upgrades = AllowedUpgrades(["websocket"])

    package init(authority: String) {
        self.authority = Array(authority.utf8)
    }

    package mutating func allowUpgrades(_ names: [String]) {
        upgrades = AllowedUpgrades(names)
    }

    var isChosenByPath: Bool { !paths.isEmpty || !stripPrefix.isEmpty }

    /// Nil when `path` is not below the prefix. What is left begins with one slash: with two it would name a host to
    /// some.
    func stripped(_ path: [UInt8]) -> [UInt8]? {
        let prefix = Array(stripPrefix.utf8)
        guard path.starts(with: prefix) else { return nil }
        let rest = path.dropFirst(prefix.count)
        guard rest.isEmpty || rest.first == UInt8(ascii: "/") else { return nil }
        return [UInt8(ascii: "/")] + rest.drop { $0 == UInt8(ascii: "/") }
    }
}

/// Finds the app a request is for. The most specific wins: a host named whole before one by `*.` (the longest first)
/// before any host, then the path with the most segments, an exact one before a beginning.
struct AppRoutes: Sendable {
    /// The routes of one host, by path.
    private struct Paths: Sendable {
        let matcher: PathMatcher
        /// For each pattern of the matcher, the app.
        let apps: [Int]

        init(_ patterns: [(path: RulePath, app: Int)]) {
            let sorted = patterns.enumerated().sorted { left, right in
                let (a, b) = (left.element.path, right.element.path)
                if a.segments.count != b.segments.count { return a.segments.count > b.segments.count }
                if a.isSubtree != b.isSubtree { return b.isSubtree }
                return left.offset < right.offset
            }
            matcher = PathMatcher(sorted.map { [$0.element.path] }, isLenient: false)
            apps = sorted.map { $0.element.app }
        }

        func app(for path: Span<UInt8>) -> Int? {
            matcher.first(matching: path) { _ in true }.map { apps[$0] }
        }
    }

    private let routes: [AppRoute]
    private var named: [[UInt8]: Paths] = [:]
    /// By `.example.com`, the longest first.
    private var wildcards: [(suffix: [UInt8], paths: Paths)] = []
    private var anywhere: Paths

    init(_ routes: [AppRoute]) {
        self.routes = routes
        var byHost: [String: [(RulePath, Int)]] = [:]
        for (index, route) in routes.enumerated() {
            let patterns = (route.paths.isEmpty ? [RulePath.all] : route.paths).map { ($0, index + 1) }
            for host in route.hosts.isEmpty ? [""] : route.hosts { byHost[host, default: []] += patterns }
        }
        anywhere = Paths(byHost[""] ?? [])
        for (host, patterns) in byHost where !host.isEmpty {
            if host.hasPrefix("*.") {
                wildcards.append((Array(host.utf8.dropFirst()), Paths(patterns)))
            } else {
                named[Array(host.utf8)] = Paths(patterns)
            }
        }
        wildcards.sort { $0.suffix.count > $1.suffix.count }
    }

    var isEmpty: Bool { routes.isEmpty }

    /// Nil: `upstream`.
    func app(_ index: Int) -> AppRoute? {
        index > 0 && index <= routes.count ? routes[index - 1] : nil
    }

    /// What is left of a path without an app's prefix is the path that this app reads.
    ///
    /// - Parameter path: in its canonical form.
    func checkStripped(_ path: [UInt8]) throws(PathProblem) {
        for route in routes where !route.stripPrefix.isEmpty {
            guard let stripped = route.stripped(path) else { continue }
            _ = try RequestPath(stripped.span, delivery: .canonical)
        }
    }

    func index(for request: borrowing AccessRequest) -> Int {
        var path: [UInt8] = [UInt8(ascii: "/")]
        if request.path.isPlain {
            path = Array(copying: request.head.bytes.span.extracting(request.path.place.range))
        } else if let canonical = request.path.canonical(in: request.head) {
            path = canonical
        }
        let place = request.origin.host
        let knowsHosts = !named.isEmpty || !wildcards.isEmpty
        let host =
            knowsHosts && place.upperBound <= request.head.bytes.count
            ? HostName.folded(request.head.bytes.span.extracting(place.range)) : []
        return index(path: path.span, host: host)
    }

    /// - Parameters:
    ///   - text: a path in its canonical form.
    ///   - host: in lower case, without port; empty: unknown.
    func index(path text: Span<UInt8>, host: [UInt8]) -> Int {
        if !host.isEmpty {
            if let app = named[host]?.app(for: text) { return app }
            for (suffix, paths) in wildcards where host.count > suffix.count && host.suffix(suffix.count) == suffix[...]
            {
                if let app = paths.app(for: text) { return app }
            }
        }
        return anywhere.app(for: text) ?? 0
    }
}
