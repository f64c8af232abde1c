// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Whether a URL that an OpenID provider publishes can be used.
enum ProviderURL {
    /// What is wrong with it, as a predicate; nil: nothing. It must be absolute and `https`, of visible ASCII characters,
    /// without user information and fragment.
    ///
    /// - Parameter isOnThisMachine: the issuer itself is `http` to this machine, and so may this be. A provider elsewhere
    ///   must not have the gate send requests to what listens here, such as the app.
    static func problem(of text: String, isOnThisMachine: Bool) -> String? {
        let bytes = Array(text.utf8)
        guard bytes.count <= maximumSize else { return "is longer than \(maximumSize) bytes" }
        guard bytes.allSatisfy({ 0x21...0x7e ~= $0 && !unsafeBytes.contains($0) }) else {
            return "holds characters that a URL must not hold"
        }
        guard let scheme = WebScheme(prefixOf: bytes.span) else { return "is not an absolute https URL" }
        let rest = bytes[scheme.length...]
        guard !rest.contains(UInt8(ascii: "#")) else { return "holds a fragment" }
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        let authority = bytes.span.extracting(scheme.length..<end)
        guard let origin = PublicOrigin(isSecure: scheme.isSecure, authority: authority) else {
            return "has no plain host and port"
        }
        guard scheme.isSecure || (isOnThisMachine && isLoopback(origin.host)) else { return "is not https" }
        return nil
    }

    /// A request to it stays on this machine or on one of its links, as far as its text shows: its host is an address of
    /// that kind, or `localhost`.
    static func isLocal(_ text: String) -> Bool {
        guard var host = PublicOrigin(ofURL: text)?.host else { return false }
        while host.last == UInt8(ascii: ".") { host.removeLast() }
        let name = String(decoding: host, as: UTF8.self)
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        let address = name.hasPrefix("[") ? String(name.dropFirst().dropLast()) : name
        return IPAddress(text: address)?.isLocal ?? false
    }

    private static func isLoopback(_ host: [UInt8]) -> Bool {
        let name = String(decoding: host, as: UTF8.self)
        if name == "localhost" || name.hasSuffix(".localhost") || name == "[::1]" { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                part.utf8.count <= 3 && part.utf8.allSatisfy { 0x30...0x39 ~= $0 } && UInt8(part) != nil
            }
    }

    private static let maximumSize = 2048
    private static let unsafeBytes = Array("\"<>\\^`{|}".utf8)
}
