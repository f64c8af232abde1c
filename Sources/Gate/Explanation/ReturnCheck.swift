// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT

/// What the gate makes of a return's address, for `sidegate explain`: its path and the parameter that carries the token,
/// judged as when the browser comes.
package struct ReturnCheck {
    /// One step, in the order in which they are taken.
    package struct Finding: Equatable, Sendable {
        /// What is looked at: "return path".
        package let name: String
        /// nil: it is as it must be.
        package let reason: Reason?
        package let expected: String
        package let actual: String
        package let fix: String
    }

    package private(set) var findings: [Finding] = []
    /// Where the browser would come to, if the address names a host: `https://app.example.com`.
    package let origin: PublicOrigin?

    /// - Parameter address: a URL, or `/path?query`; without either, the fields of a form.
    package init(_ address: [UInt8], returnPath: String, tokenParameter: String) {
        let address = ReturnAddress(address)
        origin = address.origin
        if let path = address.path {
            if let end = Self.endBeforeToken(path, tokenParameter) {
                findings.append(Self.tokenInPathFinding(Array(path[..<end]), returnPath))
                return
            }
            findings.append(Self.pathFinding(path, returnPath))
        }
        findings.append(Self.parameterFinding(address.query, address.fragment, tokenParameter))
    }

    /// Where a token was appended with `&` to a path without a query; nil: none was.
    private static func endBeforeToken(_ path: [UInt8], _ tokenParameter: String) -> Int? {
        guard !tokenParameter.isEmpty else { return nil }
        var start = path.startIndex
        while let mark = path[start...].firstIndex(of: UInt8(ascii: "&")) {
            start = path.index(after: mark)
            if path[start...].starts(with: Array("\(tokenParameter)=".utf8)) { return mark }
        }
        return nil
    }

    private static func tokenInPathFinding(_ path: [UInt8], _ returnPath: String) -> Finding {
        Finding(
            name: "return path", reason: .returnPathMismatch,
            expected: "the path \(returnPath), and the token behind ?",
            actual: "the token appended with & to \(String(decoding: path, as: UTF8.self)), which has no query",
            fix:
                "have the identity provider append the token with ? where the address has no query, or enter the return address there with a question mark at its end"
        )
    }

    static func pathFinding(_ path: [UInt8], _ returnPath: String) -> Finding {
        let expected = "the path \(returnPath)"
        // A token in it can still be used.
        let end = PathTokens.places(in: path.span).first?.lowerBound ?? path.count
        let actual = String(decoding: path[..<end], as: UTF8.self) + (end < path.count ? "…" : "")
        guard ReservedPath.of(path.span, ReturnPaths([returnPath])) != .callback else {
            return Finding(name: "return path", reason: nil, expected: expected, actual: actual, fix: "")
        }
        return Finding(
            name: "return path", reason: .returnPathMismatch, expected: expected, actual: actual,
            fix:
                "set the return address at the identity provider to this path, or identityProvider.returnPath to that one"
        )
    }

    private static func parameterFinding(
        _ query: [UInt8], _ fragment: [UInt8], _ tokenParameter: String
    ) -> Finding {
        let name = Array(tokenParameter.utf8)
        let parameters = Parameters(returned: query, name)
        let expected = "the parameter \(tokenParameter), once"
        let reason: Reason
        let actual: String
        var fix = "compare identityProvider.tokenParameter with the name that the identity provider uses"
        switch parameters.returnedToken(name) {
        case .one:
            return Finding(name: "parameter", reason: nil, expected: expected, actual: tokenParameter, fix: "")
        case .missing:
            reason = .tokenMissing
            let names = parameters.names.prefix(10).map { String(decoding: $0.prefix(60), as: UTF8.self) }
            if fragment.count > 1 {
                actual = "text behind #, which browsers do not send"
                fix = "configure the identity provider to send the token in the query, or as a form"
            } else if !parameters.values(name).isEmpty {
                actual = "an empty one"
            } else {
                actual = names.isEmpty ? "no parameter" : "only \(names.joined(separator: ", "))"
            }
        case .ambiguous:
            reason = .tokenMalformed
            let count = parameters.values(name).filter { !$0.isEmpty }.count
            actual = count > 1 ? "\(count) of them" : "different values of state"
            fix =
                "the identity provider must send each parameter once; see that its return URL does not hold it already"
        }
        return Finding(name: "parameter", reason: reason, expected: expected, actual: actual, fix: fix)
    }
}
