// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

/// Knows which tokens the keys in force have signed.
protocol SignedTokens: AnyObject {
    /// Whether a loaded key signed `token`, whatever its claims say. Fetches no keys and consumes nothing.
    func isSigned(_ token: Span<UInt8>) -> Bool
}

/// The parameter in which a provider sends its token (`identityProvider.tokenParameter`), in URLs of the app; the
/// parameters of all providers, where there are several.
///
/// A token leaves by no URL (CVE-2021-29651, CVE-2022-24797). But an app may have a parameter of the same name, such as
/// `token` or `jwt`: it loses a value only where that is a token of a provider, by its signature. All else stays byte for
/// byte.
final class TokenParameter {
    /// Most gates have one name. Empty: no provider sends a token.
    private let parameter: [UInt8]
    private let otherParameters: [[UInt8]]
    private let returnPaths: ReturnPaths
    private let tokens: any SignedTokens

    init(_ configuration: GateConfiguration, _ tokens: any SignedTokens) {
        var names: [[UInt8]] = []
        for name in configuration.providers.compactMap(\.login.tokenParameter).map({ Array($0.utf8) })
        where !names.contains(name) {
            names.append(name)
        }
        parameter = names.first ?? []
        otherParameters = Array(names.dropFirst())
        returnPaths = ReturnPaths(configuration.providers.map(\.returnPath))
        self.tokens = tokens
    }

    /// Their names.
    var names: [[UInt8]] { parameter.isEmpty ? [] : [parameter] + otherParameters }

    /// A token of a provider is in the request's query.
    func isPresent(in request: RequestHead) -> Bool {
        guard let query = request.query, query.upperBound <= request.bytes.count else { return false }
        return holdsToken(request.bytes.span, query.range, unjudged: false)
    }

    /// Where a token of a provider begins in the request's path, with the `&` before its parameter: a provider may append
    /// one to an address without a query, or put it there in another way (``PathTokens``). Nil: there is none.
    func startInPath(of request: RequestHead) -> Int? {
        guard !parameter.isEmpty, request.path.upperBound <= request.bytes.count else { return nil }
        let path = request.bytes.span.extracting(request.path.range)
        return startOfParameter(in: request)
            ?? startOfToken(in: path).map { request.path.range.lowerBound + $0 }
    }

    private func startOfToken(in path: Span<UInt8>) -> Int? {
        guard PathTokens.texts(in: path).contains(where: { tokens.isSigned($0.span) }) else { return nil }
        return PathTokens.places(in: path).first?.lowerBound
    }

    private func startOfParameter(in request: RequestHead) -> Int? {
        let bytes = request.bytes.span
        guard contains(bytes, request.path.range) else { return nil }
        var start: Int?
        var count = 0
        Self.forEachPart(bytes, request.path.range) { part, _ in
            if start == nil, part.lowerBound > request.path.range.lowerBound,
                isToken(bytes.extracting(part), &count) ?? false
            {
                start = part.lowerBound - 1
            }
        }
        return start
    }

    /// No token is shorter.
    static var leastTokenByteCount: Int { PathTokens.leastLength }

    /// The same for a form.
    func isPresent(in form: [UInt8]) -> Bool { holdsToken(form.span, 0..<form.count, unjudged: false) }

    /// Appends `?query` without the provider's tokens; nothing when no parameter is left.
    func appendQuery(of request: RequestHead, to output: inout [UInt8]) {
        guard let query = request.query, query.upperBound <= request.bytes.count else { return }
        let bytes = request.bytes.span
        guard holdsToken(bytes, query.range, unjudged: true) else {
            output.append(UInt8(ascii: "?"))
            return output.append(copying: bytes.extracting(query.range))
        }
        appendQuery(bytes, query.range, isReturn: false, to: &output)
    }

    /// `url` without the provider's tokens; on a return path without any value of the parameters. Nil: it holds none.
    func removed(from url: Span<UInt8>) -> [UInt8]? {
        let pathEnd = url.firstIndex(of: UInt8(ascii: "?"), in: 0..<url.count)
        if url.count > PathTokens.leastLength, !parameter.isEmpty {
            let path = url.extracting(0..<url.firstIndex(of: UInt8(ascii: "#"), in: 0..<pathEnd))
            if let start = startOfToken(in: path) { return Array(copying: path.extracting(0..<start)) }
        }
        guard pathEnd < url.count, url.firstIndex(of: UInt8(ascii: "#"), in: 0..<pathEnd) == pathEnd else { return nil }
        let end = url.firstIndex(of: UInt8(ascii: "#"), in: pathEnd..<url.count)
        let query = pathEnd + 1..<end
        guard contains(url, query) else { return nil }
        let isReturn = returnPaths.contains(url.extracting(Self.pathStart(url, pathEnd)..<pathEnd))
        guard isReturn || holdsToken(url, query, unjudged: true) else { return nil }
        var output = Array(copying: url.extracting(0..<pathEnd))
        appendQuery(url, query, isReturn: isReturn, to: &output)
        output.append(copying: url.extracting(end..<url.count))
        return output
    }

    /// - Parameter isReturn: the URL is a return path's: all values of the parameters are left out.
    private func appendQuery(
        _ bytes: Span<UInt8>, _ query: Range<Int>, isReturn: Bool, to output: inout [UInt8]
    ) {
        let start = output.count
        var count = 0
        var isFirst = true
        output.append(UInt8(ascii: "?"))
        Self.forEachPart(bytes, query) { part, separator in
            let text = bytes.extracting(part)
            let isRemoved = isReturn ? isNamed(text) : isToken(text, &count) ?? true
            guard !isRemoved else { return }
            if !isFirst { output.append(separator) }
            isFirst = false
            output.append(copying: text)
        }
        if output.count == start + 1 { output.removeLast() }
    }

    /// - Parameter unjudged: what counts for a value that is not judged.
    private func holdsToken(_ bytes: Span<UInt8>, _ query: Range<Int>, unjudged: Bool) -> Bool {
        guard contains(bytes, query) else { return false }
        var found = false
        var count = 0
        Self.forEachPart(bytes, query) { part, _ in
            if !found, isToken(bytes.extracting(part), &count) ?? unjudged { found = true }
        }
        return found
    }

    /// Whether the part is one of the parameters, and its value a token of a provider; nil: it may be one and is not judged,
    /// since each costs the verification of a signature.
    private func isToken(_ part: Span<UInt8>, _ count: inout Int) -> Bool? {
        guard isNamed(part), Self.hasFormOfToken(part) else { return false }
        guard count < Self.maximumValues else { return nil }
        count += 1
        let start = part.firstIndex(of: UInt8(ascii: "="), in: 0..<part.count) + 1
        guard start < part.count else { return false }
        let value = part.extracting(start..<part.count)
        guard value.firstIndex(of: UInt8(ascii: "%"), in: 0..<value.count) < value.count else {
            return tokens.isSigned(value)
        }
        var decoded: [UInt8] = []
        guard PercentEncoding.decode(value, plusIsSpace: true, into: &decoded) else { return false }
        return tokens.isSigned(decoded.span)
    }

    /// Values that are judged in one URL.
    private static let maximumValues = 4

    // MARK: Queries

    private static func pathStart(_ url: Span<UInt8>, _ end: Int) -> Int {
        guard let scheme = WebScheme(prefixOf: url), scheme.length < end else { return 0 }
        return url.firstIndex(of: UInt8(ascii: "/"), in: scheme.length..<end)
    }

    /// Three parts with dots between, plain or encoded.
    private static func hasFormOfToken(_ part: Span<UInt8>) -> Bool {
        var dots = 0
        for index in part.indices {
            if part[index] == UInt8(ascii: ".") || part[index] == UInt8(ascii: "%") { dots += 1 }
        }
        return dots >= 2
    }

    private func contains(_ bytes: Span<UInt8>, _ query: Range<Int>) -> Bool {
        guard !parameter.isEmpty else { return false }
        var found = false
        Self.forEachPart(bytes, query) { part, _ in
            if isNamed(bytes.extracting(part)) { found = true }
        }
        return found
    }

    /// Whether the part is one of the parameters.
    private func isNamed(_ part: Span<UInt8>) -> Bool {
        if Self.isNamed(parameter, part) { return true }
        guard !otherParameters.isEmpty else { return false }
        return otherParameters.contains { Self.isNamed($0, part) }
    }

    /// The parts between `&`, between `;`, which some app servers split at too, and behind the second `?` of a provider
    /// that does not look for the first one. The separator is the one before.
    private static func forEachPart(
        _ bytes: Span<UInt8>, _ query: Range<Int>, _ body: (Range<Int>, _ separator: UInt8) -> Void
    ) {
        var start = query.lowerBound
        var separator = UInt8(ascii: "&")
        var index = start
        while index < query.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: "&") || byte == UInt8(ascii: ";") || byte == UInt8(ascii: "?") {
                body(start..<index, separator)
                separator = byte
                start = index + 1
            }
            index += 1
        }
        body(start..<query.upperBound, separator)
    }

    /// Whether the part's name decodes to `name`.
    private static func isNamed(_ name: [UInt8], _ part: Span<UInt8>) -> Bool {
        var end = 0
        var isEncoded = false
        while end < part.count, part[end] != UInt8(ascii: "=") {
            isEncoded = isEncoded || part[end] == UInt8(ascii: "%") || part[end] == UInt8(ascii: "+")
            end += 1
        }
        let text = part.extracting(0..<end)
        guard isEncoded else { return text.equals(name.span) }
        return PercentEncoding.decodes(text, to: name.span, plusIsSpace: true)
    }
}
