// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Makes addresses in an app's response addresses of the public site (`rewriteRedirects`): in Location, Content-Location
/// and Refresh, and the paths and domains of cookies.
///
/// Only the app's own address is changed, recognised by its parsed scheme, host and port; everything else passes as it is.
struct RedirectRewrite: Sendable {
    /// An app whose responses are rewritten.
    struct App: Sendable {
        let isSecure: Bool
        /// The address that the gate connects to; nil: none that could stand in a URL.
        let address: AppOrigin?
        /// `/wiki`, or empty.
        let prefix: [UInt8]
        /// The app gets the browser's Host, so the public site's address is its own as well.
        let knowsPublicAddress: Bool

        /// Nil: the responses of `upstream` are not rewritten.
        init?(_ configuration: GateConfiguration) {
            guard configuration.rewritesRedirects else { return nil }
            isSecure = configuration.upstreamIsSecure
            address = Self.origin(isSecure, Array(configuration.upstreamAuthority.utf8))
            prefix = []
            knowsPublicAddress = configuration.preserveHost
        }

        /// Nil: the responses of that app are not rewritten.
        init?(_ route: AppRoute) {
            guard route.rewritesRedirects else { return nil }
            isSecure = route.isSecure
            address = Self.origin(isSecure, route.authority)
            prefix = Array(route.stripPrefix.utf8)
            knowsPublicAddress = route.preservesHost
        }

        private static func origin(_ isSecure: Bool, _ authority: [UInt8]) -> AppOrigin? {
            PublicOrigin(isSecure: isSecure, authority: authority.span).map { AppOrigin($0) }
        }
    }

    /// Where the request came to.
    struct Place {
        /// Nil: the request names no host that could stand in a URL.
        let site: PublicOrigin?
        /// The path that the app got.
        let path: [UInt8]
    }

    private let app: App
    private let place: Place

    init(_ app: App, _ place: Place) {
        self.app = app
        self.place = place
    }

    func rewrite(_ head: inout ResponseHead) {
        for index in head.fields.indices {
            let field = head.fields[index]
            guard field.value.upperBound <= head.bytes.count, field.name.upperBound <= head.bytes.count else {
                continue
            }
            let value = Array(head.bytes[field.value.range])
            let rewritten: [UInt8]?
            switch field.known {
            case .location: rewritten = url(value.span)
            case .setCookie:
                rewritten = CookieRewrite.rewritten(value.span, prefix: app.prefix, host: app.address)
            case .other:
                let name = head.bytes.span.extracting(field.name.range)
                if name.equalsIgnoringCase("content-location") {
                    rewritten = url(value.span)
                } else if name.equalsIgnoringCase("refresh") {
                    rewritten = refresh(value.span)
                } else {
                    continue
                }
            default: continue
            }
            if let rewritten { head.replaceValue(at: index, with: rewritten) }
        }
    }

    /// `5; url=…` with the URL rewritten; nil: it stays.
    func refresh(_ value: Span<UInt8>) -> [UInt8]? {
        guard let range = RefreshField.url(in: value), let url = url(value.extracting(range)) else { return nil }
        var output = Array(copying: value.extracting(0..<range.lowerBound))
        output.append(contentsOf: url)
        output.append(copying: value.extracting(range.upperBound..<value.count))
        return output
    }

    /// The reference as the browser should get it; nil: it stays.
    func url(_ text: Span<UInt8>) -> [UInt8]? {
        switch AppReference(text, isSecure: app.isSecure) {
        case .origin(let origin, let rest):
            if origin == app.address { return onSite(text, from: rest, isAbsolute: true) }
            // Without a prefix there is nothing to change.
            guard app.knowsPublicAddress, !app.prefix.isEmpty, let site = place.site,
                case .origin(AppOrigin(site), rest: _) = AppReference(text, isSecure: site.isSecure)
            else { return nil }
            return onSite(text, from: rest, isAbsolute: false)
        case .path:
            return app.prefix.isEmpty ? nil : onSite(text, from: 0, isAbsolute: false)
        case .relative:
            return app.prefix.isEmpty ? nil : climbing(text)
        case .foreign:
            return nil
        }
    }

    /// The URL on the public site whose path the app calls what stands in `text` from `start` on.
    ///
    /// - Parameter isAbsolute: it is not on the public site as it is, so it is changed in any case.
    private func onSite(_ text: Span<UInt8>, from start: Int, isAbsolute: Bool) -> [UInt8]? {
        let pathEnd = Self.pathEnd(text, from: start)
        var path = Array(copying: text.extracting(start..<pathEnd))
        if path.isEmpty { path = [UInt8(ascii: "/")] }
        if !app.prefix.isEmpty {
            // Otherwise the segments could lead out of the prefix.
            if Self.holdsDotSegment(path) { path = PathText.resolved(Self.plainDots(path)) }
            if Self.begins(path, with: app.prefix) {
                guard isAbsolute else { return nil }
            } else {
                path = app.prefix + path
            }
        }
        return withOrigin(path) + Array(copying: text.extracting(pathEnd..<text.count))
    }

    /// A relative reference that leads above the path of the request: for the app its root is the end of the way.
    private func climbing(_ text: Span<UInt8>) -> [UInt8]? {
        let pathEnd = Self.pathEnd(text, from: 0)
        let reference = Self.plainDots(Array(copying: text.extracting(0..<pathEnd)))
        guard Self.holdsParentSegment(reference), place.path.first == UInt8(ascii: "/") else { return nil }
        let folder = place.path[...(place.path.lastIndex(of: UInt8(ascii: "/")) ?? 0)]
        return withOrigin(app.prefix + PathText.resolved(Array(folder + reference)))
            + Array(copying: text.extracting(pathEnd..<text.count))
    }

    /// `path` on the public site; one that begins with two slashes would name a host where the site is not known.
    private func withOrigin(_ path: [UInt8]) -> [UInt8] {
        guard let site = place.site else {
            return [UInt8(ascii: "/")] + path.drop { PathText.isSlash($0) }
        }
        return site.text + path
    }

    /// Where the path ends that begins at `start`.
    private static func pathEnd(_ text: Span<UInt8>, from start: Int) -> Int {
        var end = start
        while end < text.count, text[end] != UInt8(ascii: "?"), text[end] != UInt8(ascii: "#") { end += 1 }
        return end
    }

    /// The path is `prefix`, or below it.
    static func begins(_ path: [UInt8], with prefix: [UInt8]) -> Bool {
        path.starts(with: prefix) && (path.count == prefix.count || path[prefix.count] == UInt8(ascii: "/"))
    }

    private static func holdsDotSegment(_ path: [UInt8]) -> Bool {
        path.split(separator: UInt8(ascii: "/")).contains { dots(of: $0) != nil }
    }

    private static func holdsParentSegment(_ path: [UInt8]) -> Bool {
        path.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
    }

    /// Segments that browsers take for `.` and `..` (`%2e`), written so.
    private static func plainDots(_ path: [UInt8]) -> [UInt8] {
        guard path.contains(UInt8(ascii: "%")) else { return path }
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return Array(segments.map { dots(of: $0) ?? $0 }.joined(separator: [UInt8(ascii: "/")]))
    }

    private static func dots(of segment: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard segment.count <= 6 else { return nil }
        var rest = segment
        var count = 0
        while let first = rest.first {
            if first == UInt8(ascii: ".") {
                rest.removeFirst()
            } else if rest.count >= 3, rest.prefix(2).elementsEqual("%2".utf8),
                lowercased(rest[rest.startIndex + 2]) == UInt8(ascii: "e")
            {
                rest.removeFirst(3)
            } else {
                return nil
            }
            count += 1
        }
        return 1...2 ~= count ? ArraySlice(repeating: UInt8(ascii: "."), count: count) : nil
    }
}

/// Refresh, which no RFC describes: as browsers read it (HTML, "shared declarative refresh steps").
enum RefreshField {
    /// Where its URL stands in `value`; nil: it names none.
    static func url(in value: Span<UInt8>) -> Range<Int>? {
        var index = afterBlanks(in: value, from: 0)
        let timeStart = index
        while index < value.count, value[index] &- UInt8(ascii: "0") < 10 || value[index] == UInt8(ascii: ".") {
            index += 1
        }
        guard index > timeStart, index < value.count else { return nil }
        let isSeparator = value[index] == UInt8(ascii: ";") || value[index] == UInt8(ascii: ",")
        guard isSeparator || WhiteSpace.contains(value[index]) else { return nil }
        index = afterBlanks(in: value, from: index)
        if index < value.count, value[index] == UInt8(ascii: ";") || value[index] == UInt8(ascii: ",") { index += 1 }
        index = afterBlanks(in: value, from: index)
        guard index < value.count else { return nil }
        let whole = value.trimmed(index..<value.count)
        if lowercased(value[index]) == UInt8(ascii: "u") {
            guard index + 3 <= value.count, value.extracting(index..<index + 3).equalsIgnoringCase("url") else {
                return whole
            }
            index = afterBlanks(in: value, from: index + 3)
            guard index < value.count, value[index] == UInt8(ascii: "=") else { return whole }
            index = afterBlanks(in: value, from: index + 1)
        }
        guard index < value.count else { return nil }
        let quote = value[index]
        guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            return value.trimmed(index..<value.count)
        }
        index += 1
        return value.trimmed(index..<value.firstIndex(of: quote, in: index..<value.count))
    }

    private static func afterBlanks(in value: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < value.count, WhiteSpace.contains(value[index]) { index += 1 }
        return index
    }
}
