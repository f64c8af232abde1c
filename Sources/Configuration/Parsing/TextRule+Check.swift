// SPDX-License-Identifier: Apache-2.0

import Gate

extension TextRule {
    /// The value, or what is wrong with `text` and how to fix it.
    func parse(_ text: String) throws(SyntaxProblem) -> ParsedValue {
        switch self {
        case .urlTemplate(let names):
            return .template(try Self.urlTemplate(text, placeholders: names))
        case .fieldTemplate:
            let template = try TextTemplate(text, hasLists: true)
            try Self.checkOneLine(text)
            return .template(template)
        case .rulePath:
            return .rulePath(try Self.rulePath(text))
        default:
            try check(text)
            return .text(text)
        }
    }

    /// Throws what is wrong with `text` and how to fix it.
    func check(_ text: String) throws(SyntaxProblem) {
        switch self {
        case .any:
            return
        case .file:
            if text.utf8.contains(0) { throw SyntaxProblem("a path cannot hold a zero byte") }
            try Self.checkNotBlank(text)
        case .urlTemplate, .fieldTemplate, .rulePath:
            _ = try parse(text)
        case .url:
            try Self.checkURL(text)
        case .oneLine:
            try Self.checkOneLine(text)
            try Self.checkNotBlank(text)
        case .label:
            try Self.checkLabel(text)
        case .requestPath:
            try Self.checkRequestPath(text)
        case .rootedPath:
            if text != "/" { try Self.checkRequestPath(text) }
        case .pathPattern:
            try Self.checkPathPattern(text)
        case .pathPrefix:
            try Self.checkPathPrefix(text)
        case .method:
            try Self.checkMethod(text)
        case .hostPattern:
            try Self.checkHostPattern(text)
        case .providerName:
            let isPlain = text.utf8.allSatisfy { $0 &- 0x30 < 10 || $0 &- 0x61 < 26 || $0 == UInt8(ascii: "-") }
            guard isPlain, 1...32 ~= text.utf8.count else {
                throw SyntaxProblem("a provider's name has 1 to 32 of a to z, 0 to 9 and `-`, such as staff")
            }
            // The label of metrics that are about no provider.
            guard text != "none" else { throw SyntaxProblem("`none` stands for no provider; choose another name") }
        case .parameterNameOrNone where text.isEmpty:
            return
        case .email:
            try EmailAddress.check(text)
        case .emailDomain:
            try EmailAddress.checkDomain(text)
        case .parameterName, .parameterNameOrNone:
            guard FieldName.isValid(text) else {
                throw SyntaxProblem("a parameter's name has letters, digits, `_`, `-` and `.`, such as jwt")
            }
        case .headerName:
            try Self.checkHeaderName(text)
        case .assertionHeader:
            if HeaderName.folded(text) == "x-sidegate-jwt-assertion", Self.isToken(text) { return }
            try Self.checkHeaderName(text)
            if HeaderName.folded(text) == "authorization" {
                throw SyntaxProblem("this header is the client's own; choose another name")
            }
        case .cookieName:
            guard text.isEmpty || Self.isToken(text), text.utf8.count <= 100 else {
                throw SyntaxProblem("a cookie's name has letters, digits, `_` and `-`, and at most 100 of them")
            }
        case .upgradeProtocol:
            try Self.checkUpgradeProtocol(text)
        case .domain:
            try Self.checkDomain(text)
        case .fieldName:
            guard FieldName.isValid(text) else {
                throw SyntaxProblem("a field's name has letters, digits, `_`, `-` and `.`")
            }
        case .claimName:
            if text.isEmpty { throw SyntaxProblem("a claim's name cannot be empty") }
        }
    }

    /// A text of blanks is meant to be empty, or to be something.
    private static func checkNotBlank(_ text: String) throws(SyntaxProblem) {
        guard !text.isEmpty, text.allSatisfy(\.isWhitespace) else { return }
        throw SyntaxProblem("it holds white space alone; leave it out, or write \"\" for none")
    }

    private static func rulePath(_ text: String) throws(SyntaxProblem) -> RulePath {
        do throws(GateConfigurationError) {
            return try RulePath(text)
        } catch {
            throw SyntaxProblem(error.description)
        }
    }

    private static func urlTemplate(_ text: String, placeholders: [String]) throws(SyntaxProblem) -> TextTemplate {
        let template = try TextTemplate(text)
        if text.isEmpty { return template }
        let lower = text.lowercased()
        guard lower.hasPrefix("https://") || lower.hasPrefix("http://") else {
            throw SyntaxProblem("expects an absolute address; write https://…")
        }
        try checkOneLine(text)
        if text.contains(" ") { throw SyntaxProblem("an address holds no blanks; write %20") }
        let rest = text.dropFirst(lower.hasPrefix("https://") ? 8 : 7)
        let authority = String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
        if authority.contains("{") {
            throw SyntaxProblem("placeholders stand in the path or the query, not in the host")
        }
        if authority.contains("@") || authority.contains("\\") {
            throw SyntaxProblem("a user name or password cannot stand in this address; remove it")
        }
        let (host, _) = try HostAndPort.parse(authority)
        if host.isEmpty || host == "*" { throw SyntaxProblem("the host is missing; write https://idp.example.com/…") }
        for name in template.placeholders where !placeholders.contains(name) {
            if let near = Suggestion.nearest(to: name, among: placeholders) {
                throw SyntaxProblem("unknown placeholder {\(name)}; did you mean {\(near)}?")
            }
            if placeholders.isEmpty { throw SyntaxProblem("this address has no placeholders; write it whole") }
            let known = placeholders.map { "{\($0)}" }
            throw SyntaxProblem("unknown placeholder {\(name)}; known are \(Quoted.choices(known, joining: "and"))")
        }
        return template
    }

    /// What can be called as it stands: RFC 3986 without user information.
    private static func checkURL(_ text: String) throws(SyntaxProblem) {
        _ = try urlTemplate(text, placeholders: [])
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !Array("\"<>\\^`{|}".utf8).contains($0) }) else {
            throw SyntaxProblem("percent-encode what is not a letter, digit or mark of ASCII")
        }
        let escapes = text.split(separator: "%", omittingEmptySubsequences: false).dropFirst()
        guard escapes.allSatisfy({ $0.utf8.count >= 2 && $0.utf8.prefix(2).allSatisfy(isHexDigit) }) else {
            throw SyntaxProblem("a `%` begins an escape of two hexadecimal digits; write %25 for the sign itself")
        }
        if text.utf8.count > 8192 { throw SyntaxProblem("this address is too long") }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6
    }

    /// - Parameter marks: the marks that may stand in a segment beside letters and digits.
    private static func checkRequestPath(
        _ text: String, marks: String = "-._~"
    ) throws(SyntaxProblem) {
        guard text.hasPrefix("/"), text.utf8.count > 1, text.utf8.count <= 1024 else {
            throw SyntaxProblem("expects a path, such as /sso/callback")
        }
        // One spelling only, so that it can be compared with the normalised path of a request.
        let isPlain = text.utf8.allSatisfy {
            $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 == UInt8(ascii: "/") || marks.utf8.contains($0)
        }
        let segments = text.split(separator: "/")
        guard isPlain, !text.contains("//"), !segments.contains("."), !segments.contains("..") else {
            let named = marks.map { "`\($0)`" }.joined(separator: ", ")
            throw SyntaxProblem(
                "expects a plain path: letters, digits, \(named) and single `/`, without query or `..`")
        }
    }

    private static func checkPathPattern(_ text: String) throws(SyntaxProblem) {
        if text == "/" { return }
        let isBeginning = text.hasSuffix("/*")
        if text == "/*" { throw SyntaxProblem("this means the whole site; name the paths that are needed") }
        if let words = LiteralPattern.suspicion(text) {
            throw SyntaxProblem(
                "this looks like \(words), and is compared as it stands; write whole paths, or beginnings such as"
                    + " \(LiteralPattern.suggestion(text))")
        }
        if text.contains("*"), !isBeginning || text.dropLast().contains("*") {
            throw SyntaxProblem("`*` stands at the end only, after a `/`: /static/*")
        }
        if ReservedPath.isOwn(text, returnPaths: []) {
            throw SyntaxProblem("paths below /.sidegate/ are Sidegate's own; remove it")
        }
        // Marks that every reader takes for themselves (RFC 3986 §3.3), as in MediaWiki's /wiki/Special:UserLogout; `+`, which
        // forms read as a blank, matches in the reading as sent. `;` begins a parameter, and `*` is the pattern's own.
        try checkRequestPath(isBeginning ? String(text.dropLast(2)) : text, marks: "-._~!$&'+,:=@")
    }

    private static func checkPathPrefix(_ text: String) throws(SyntaxProblem) {
        if text.isEmpty { return }
        if text.hasSuffix("/") || text.hasSuffix("*") {
            throw SyntaxProblem("write the prefix without a slash or `*` at its end, as in /wiki")
        }
        _ = try rulePath(text)
    }

    private static func checkMethod(_ text: String) throws(SyntaxProblem) {
        guard isToken(text), text.utf8.count <= 32 else { throw SyntaxProblem("expects a method, such as GET") }
        guard text == text.uppercased() else {
            throw SyntaxProblem("methods are in capitals; write \(text.uppercased())")
        }
    }

    private static func checkHostPattern(_ text: String) throws(SyntaxProblem) {
        let name = text.hasPrefix("*.") ? String(text.dropFirst(2)) : text
        if name.contains("*") {
            throw SyntaxProblem(
                "`*` stands for what is before a name, as in *.example.com; for all hosts leave `hosts` out")
        }
        if name.contains("/") {
            throw SyntaxProblem("expects a host without scheme and path, such as wiki.example.com")
        }
        if name.contains(":") { throw SyntaxProblem("expects a host without a port, such as wiki.example.com") }
        try HostAndPort.checkHost(name)
    }

    private static func checkLabel(_ text: String) throws(SyntaxProblem) {
        let isSane = text.utf8.allSatisfy { $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 == 0x2D }
        guard text.isEmpty || isSane && text.utf8.count <= 63 && !text.hasPrefix("-") && !text.hasSuffix("-") else {
            throw SyntaxProblem("expects the name alone, of letters, digits and `-`, such as mycompany")
        }
    }

    private static func checkHeaderName(_ text: String) throws(SyntaxProblem) {
        guard isToken(text), text.utf8.count <= 100 else {
            throw SyntaxProblem("a header's name has letters, digits and `-`, such as X-Forwarded-User")
        }
        let folded = HeaderName.folded(text)
        if folded.hasPrefix("x-sidegate-") { throw SyntaxProblem("X-Sidegate-* is kept for Sidegate itself") }
        if HeaderName.reserved.contains(folded) {
            throw SyntaxProblem("this header is needed for the request itself; choose another name")
        }
    }

    private static func checkUpgradeProtocol(_ text: String) throws(SyntaxProblem) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ isToken(String($0)) }), text.utf8.count <= 64 else {
            throw SyntaxProblem("expects a protocol as in the field Upgrade, such as websocket or SPDY/3.1")
        }
        if AllowedUpgrades.carriesRequests(text) {
            throw SyntaxProblem("over this protocol requests would reach the app without being judged; remove it")
        }
    }

    private static func checkDomain(_ text: String) throws(SyntaxProblem) {
        if text.isEmpty { return }
        if text.hasPrefix(".") { throw SyntaxProblem("write the name without the leading dot") }
        try HostAndPort.checkHost(text)
        guard text.contains("."), !IPv4Text.isValid(text) else {
            throw SyntaxProblem("cookies for subdomains need a name with a dot, such as example.com")
        }
    }

    private static func checkOneLine(_ text: String) throws(SyntaxProblem) {
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw SyntaxProblem("control characters cannot stand here; write it on one line")
        }
    }

    /// RFC 9110 §5.6.2.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || Array("!#$%&'*+-.^_`|~".utf8).contains($0)
            }
    }
}
