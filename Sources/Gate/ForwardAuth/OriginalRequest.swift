// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The request that a proxy asks about at `/.sidegate/auth`, put together from what it says of it: X-Original-URL (or
/// -URI) and X-Original-Method as nginx is told to, X-Forwarded-Uri and -Method as Traefik and Caddy do, or the path
/// behind ours and the method itself as Envoy does.
///
/// Proxies pass on what the browser sent beside what they add, so whatever is there in two spellings must say the same,
/// and the method is only taken from where the target came from.
struct OriginalRequest: ~Copyable {
    enum Problem: Error {
        /// The peer is none of `trustedProxies` (CVE-2026-40575).
        case untrusted
        /// There are rules, and nothing says which path they are to be asked about.
        case unnamed
        /// Some rule is for certain methods, and nothing says which one it was.
        case withoutMethod
        case contradictory, malformed
    }

    /// The request that is asked about, read.
    let access: AccessRequest
    /// The proxy wrote it into our path, as Envoy does: it passes on whatever we answer.
    let isInPath: Bool
    /// It says which request is meant; else it is about the session alone.
    let isNamed: Bool

    init(
        _ query: borrowing AccessRequest, _ rules: AccessRules, needsPath: Bool
    ) throws(Problem) {
        let request = query.head
        let said = try Said(request)
        let bytes = request.bytes.span
        let reservedPath = bytes.extracting(request.path.range)
        let isInPath = reservedPath.count > Self.path.utf8CodeUnitCount
        let isNamed = said.originalURL != nil || said.forwardedURI != nil || isInPath
        if !said.isSilent || isInPath, !query.context.isTrustedPeer { throw .untrusted }

        var target: [UInt8]
        var authority: [UInt8]?
        var isSecure: Bool?
        var method: [UInt8]?
        if let original = said.originalURL {
            (isSecure, authority, target) = try Self.parts(original)
            if let other = said.forwardedURI {
                guard try Self.parts(other).target == target else { throw .contradictory }
            }
            method = said.originalMethod
            if let other = said.forwardedMethod, method != nil, other != method { throw .contradictory }
        } else if let forwarded = said.forwardedURI {
            (isSecure, authority, target) = try Self.parts(forwarded)
            method = said.forwardedMethod
            if let other = said.originalMethod, method != nil, other != method { throw .contradictory }
        } else if isInPath {
            target = Array(copying: reservedPath.extracting(Self.path.utf8CodeUnitCount...))
            if let query = request.query { target += [UInt8(ascii: "?")] + request.bytes[query.range] }
            method = Array(request.bytes[request.methodName.range])
        } else {
            if needsPath { throw .unnamed }
            target = [UInt8(ascii: "/")]
            method = Array("GET".utf8)
        }
        if method == nil, rules.distinguishesMethods { throw .withoutMethod }

        var head = request
        // What was said of the site is in the two values now.
        head.fields.removeAll { Self.isSpent($0.known) }
        try head.put(method: method ?? Array("GET".utf8), target)
        let host =
            authority
            ?? Array(
                request.bytes[query.origin.host.upperBound <= bytes.count ? query.origin.host.range : 0..<0])
        head.authority = head.add(host)
        var context = query.context
        context.isSecure = isSecure ?? query.origin.isSecure
        var access = AccessRequest(head, context, id: query.id)
        access.read(by: query.site, delivery: .asSent)
        self.access = access
        self.isInPath = isInPath
        self.isNamed = isNamed
    }

    private static func isSpent(_ field: KnownField) -> Bool {
        switch field {
        case .xForwardedProto, .xForwardedHost, .xOriginalURL, .xOriginalMethod, .host, .contentLength,
            .transferEncoding:
            true
        default: false
        }
    }

    /// `/path?query`, or all of it behind a scheme and an authority.
    private static func parts(
        _ text: [UInt8]
    ) throws(Problem) -> (isSecure: Bool?, authority: [UInt8]?, target: [UInt8]) {
        if text.first == UInt8(ascii: "/") { return (nil, nil, text) }
        guard let scheme = WebScheme(prefixOf: text.span) else { throw .malformed }
        let rest = text.dropFirst(scheme.length)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        var target = Array(rest.dropFirst(authority.count))
        if target.first != UInt8(ascii: "/") { target.insert(UInt8(ascii: "/"), at: 0) }
        guard !authority.isEmpty else { throw .malformed }
        return (scheme.isSecure, Array(authority), target)
    }

    static let path: StaticString = "/.sidegate/auth"

    /// The fields, each at most once.
    private struct Said {
        var originalURL: [UInt8]?
        var originalMethod: [UInt8]?
        var forwardedURI: [UInt8]?
        var forwardedMethod: [UInt8]?

        var isSilent: Bool {
            originalURL == nil && originalMethod == nil && forwardedURI == nil && forwardedMethod == nil
        }

        init(_ request: RequestHead) throws(Problem) {
            let bytes = request.bytes.span
            for field in request.fields where field.value.upperBound <= bytes.count {
                let value = Array(request.bytes[field.value.range])
                // Set to nothing, as a proxy clears what a browser sent.
                guard !value.isEmpty else { continue }
                switch field.known {
                case .xOriginalURL: try Self.set(&originalURL, value)
                case .xOriginalMethod: try Self.set(&originalMethod, value)
                case .other:
                    let name = bytes.extracting(field.name.range)
                    if name.equalsIgnoringCase("x-original-uri") {
                        try Self.set(&originalURL, value)
                    } else if name.equalsIgnoringCase("x-forwarded-uri") {
                        try Self.set(&forwardedURI, value)
                    } else if name.equalsIgnoringCase("x-forwarded-method") {
                        try Self.set(&forwardedMethod, value)
                    }
                default: break
                }
            }
        }

        private static func set(_ place: inout [UInt8]?, _ value: [UInt8]) throws(Problem) {
            guard place == nil else { throw .contradictory }
            place = value
        }
    }
}

extension RequestHead {
    /// Makes it a request for `target` (`/path?query`), without content.
    fileprivate mutating func put(method name: [UInt8], _ target: [UInt8]) throws(OriginalRequest.Problem) {
        guard let method = Method(text: name), target.first == UInt8(ascii: "/"),
            target.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "#") })
        else { throw .malformed }
        self.method = method
        methodName = add(name)
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        targetForm = .origin
        self.target = add(target)
        self.path = ByteRange(start: self.target.start, count: UInt32(truncatingIfNeeded: path.count))
        query =
            path.count < target.count
            ? ByteRange(
                start: self.target.start + UInt32(truncatingIfNeeded: path.count + 1),
                count: UInt32(truncatingIfNeeded: target.count - path.count - 1))
            : nil
        framing = .none
        expectsContinue = false
    }

    fileprivate mutating func add(_ text: [UInt8]) -> ByteRange {
        bytes.append(contentsOf: text)
        return ByteRange(bytes.count - text.count..<bytes.count)
    }
}

extension Method {
    /// Nil for what is no token (RFC 9110 §5.6.2), or too long to be one.
    fileprivate init?(text: [UInt8]) {
        guard (1...32).contains(text.count), text.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ",") })
        else { return nil }
        self =
            switch String(decoding: text, as: UTF8.self) {
            case "GET": .get
            case "HEAD": .head
            case "POST": .post
            case "PUT": .put
            case "DELETE": .delete
            case "CONNECT": .connect
            case "OPTIONS": .options
            case "TRACE": .trace
            case "PATCH": .patch
            default: .other
            }
    }
}
