// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The paths that Sidegate answers itself.
package enum ReservedPath {
    case login, callback, confirm, arrival, logout, signedOut, session, backchannelLogout, auth, keys, form
    /// Reserved, and nothing is there.
    case nothing
    /// Some readers take the path for a reserved one and others do not.
    case unreadable

    /// Whether the provider may send browsers back to `path`: a path in its one plain spelling that no other purpose has.
    /// Of those below `/.sidegate/` only `callback`, and what is below it, are free for it.
    package static func permitsReturnPath(_ path: String) -> Bool {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let isPlain = path.utf8.allSatisfy {
            0x30...0x39 ~= $0 || 0x61...0x7A ~= $0 | 0x20 || [0x2D, 0x2E, 0x2F, 0x5F, 0x7E].contains($0)
        }
        guard isPlain, path.hasPrefix("/"), path.utf8.count > 1, !segments.dropLast().contains(""),
            !segments.contains(where: { $0.hasSuffix(".") })
        else { return false }
        guard isReserved(Array(path.utf8).span, ReturnPaths([])) else { return true }
        return path == "/.sidegate/callback" || path.hasPrefix("/.sidegate/callback/")
    }

    /// Whether requests to `pattern`, a path or with `/*` a path and all below it, are answered here and never reach the
    /// app's rules.
    package static func isOwn(_ pattern: String, returnPaths: [String]) -> Bool {
        if pattern == "/*" { return false }
        let isSubtree = pattern.hasSuffix("/*")
        let path = Array((isSubtree ? String(pattern.dropLast(2)) : pattern).utf8)
        return isReserved(path.span, ReturnPaths(isSubtree ? [] : returnPaths))
    }

    /// Which of them `path` (as sent) is; nil: it is the app's.
    ///
    /// Only the plain spelling is served. Whatever an app server could resolve to the same path (encodings, case, dot
    /// segments, path parameters) is reserved too, and never forwarded.
    static func of(_ path: Span<UInt8>, _ returnPaths: ReturnPaths) -> ReservedPath? {
        of(path, isPlain: RequestPath.isPlain(path), returnPaths)
    }

    /// - Parameter isPlain: by ``RequestPath/isPlain(_:)``.
    static func of(_ path: Span<UInt8>, isPlain: Bool, _ returnPaths: ReturnPaths) -> ReservedPath? {
        if returnPaths.contains(path) { return .callback }
        // A plain path has no segment that begins with a dot: it can only be another spelling of the return path.
        guard !isPlain else {
            return returnPaths.resemble(path) && isReserved(path, returnPaths) ? .nothing : nil
        }
        if path.count > prefix.utf8CodeUnitCount, path.extracting(0..<prefix.utf8CodeUnitCount).equals(prefix) {
            let name = path.extracting(prefix.utf8CodeUnitCount...)
            if name.equals("login") { return .login }
            if name.equals("logout") { return .logout }
            if name.equals("signed-out") { return .signedOut }
            if name.equals("session") { return .session }
            if name.equals("confirm") { return .confirm }
            if name.equals("form") { return .form }
            if name.equals("continue") { return .arrival }
            if name.equals("backchannel-logout") { return .backchannelLogout }
            if name.equals("jwks.json") { return .keys }
            // Behind it a proxy may write the path that it asks about.
            if name.equals("auth") || (name.count > 4 && name.extracting(0..<5).equals("auth/")) { return .auth }
        }
        guard mayBeReserved(path, returnPaths), isReserved(path, returnPaths) else { return nil }
        guard (try? RequestPath(path, delivery: .canonical)) != nil else { return .unreadable }
        return .nothing
    }

    /// Some reading of `path` is a reserved path.
    static func isReserved(_ path: Span<UInt8>, _ returnPaths: ReturnPaths) -> Bool {
        let text = Array(copying: path)
        let own = returnPaths.all.map(folded)
        guard isSuspicious(text, lastNames: own.compactMap(\.last)) else { return false }
        var readings = PathAlternates(of: [text], mode: .resolvesDots)
        do {
            try readings.readAll()
        } catch {
            // It holds a reserved name in a form that does not occur by chance.
            return true
        }
        return readings.texts.contains { text in
            let segments = folded(text)
            return own.contains(segments) || segments.first?.elementsEqual(".sidegate".utf8) ?? false
        }
    }

    /// A quick look that leaves most paths of an app alone: reserved ones need a dot at the start of a segment, in some
    /// encoding, or a return path's length and letters.
    private static func mayBeReserved(_ path: Span<UInt8>, _ returnPaths: ReturnPaths) -> Bool {
        var previous: UInt8 = 0
        for index in path.indices {
            let byte = path[index]
            switch byte {
            case UInt8(ascii: "%"), UInt8(ascii: "\\"), UInt8(ascii: ";"), UInt8(ascii: "+"), 0x80...: return true
            case UInt8(ascii: "."), UInt8(ascii: "/"):
                if previous == UInt8(ascii: "/") { return true }
            default: break
            }
            previous = byte
        }
        return returnPaths.resemble(path)
    }

    /// Some decoding of `path`, with characters replaced or dropped, holds `sidegate`, or the last name of a return path:
    /// without either, no step of any reader makes it a reserved path.
    private static func isSuspicious(_ path: [UInt8], lastNames: [[UInt8]]) -> Bool {
        var texts = [path]
        var byteCount = 0
        for _ in 0...PathText.maximumRounds {
            var index = 0
            while index < texts.count {
                let text = texts[index]
                index += 1
                byteCount += text.count
                // More than any honest path comes to.
                guard byteCount <= maximumByteCount + 8 * path.count else { return true }
                // Parsers of URLs drop tabs and line ends (WHATWG URL §4.4).
                let letters = (LookAlikes.fold(text) ?? text).filter { $0 >= 0x20 }.map(lowercased)
                if letters.holds(name) || lastNames.contains(where: letters.holds) { return true }
                guard text.contains(where: { $0 >= 0x80 }) else { continue }
                for changed in [
                    LookAlikes.fold(text), DroppedCharacters.withoutInvalidBytes(text),
                    DroppedCharacters.withoutIgnorables(text),
                ] {
                    if let changed, !texts.contains(changed) { texts.append(changed) }
                }
            }
            texts = texts.compactMap(PathText.decoded)
            guard !texts.isEmpty else { return false }
        }
        return false
    }

    /// The segments of a path as the most lenient app server would see them.
    private static func folded(_ path: [UInt8]) -> [[UInt8]] {
        path.split(separator: UInt8(ascii: "/")).map { $0.map(lowercased) }
    }

    private static let maximumByteCount = 1024
    private static let name = Array("sidegate".utf8)
    private static let prefix: StaticString = "/.sidegate/"
}

extension [UInt8] {
    /// `part` stands somewhere in it.
    fileprivate func holds(_ part: [UInt8]) -> Bool {
        guard let first = part.first, count >= part.count else { return false }
        for start in 0...count - part.count
        where self[start] == first && self[start..<start + part.count].elementsEqual(part) {
            return true
        }
        return false
    }
}

extension Span<UInt8> {
    /// The same bytes.
    func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        var index = 0
        while index &+ 8 <= count {
            // Both have `count` bytes.
            if word(uncheckedAt: index) != other.word(uncheckedAt: index) { return false }
            index &+= 8
        }
        while index < count {
            if unsafe self[unchecked: index] != other[unchecked: index] { return false }
            index &+= 1
        }
        return true
    }
}
