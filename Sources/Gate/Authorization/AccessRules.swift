// SPDX-License-Identifier: Apache-2.0

import HTTP

/// One of `access.rules`.
package struct AccessRule: Sendable {
    /// Values a field must have one of.
    package struct Requirement: Sendable, Equatable {
        package let field: String
        package let values: [String]

        package init(field: String, values: [String]) {
            self.field = field
            self.values = values
        }
    }

    package enum Effect: Sendable, Equatable {
        /// No sign-in is needed.
        case anyone
        /// Sign-in is needed, and all of these.
        case signedIn([Requirement])
        case deny
    }

    /// What a request without a session gets.
    package enum Unauthenticated: String, Sendable, CaseIterable {
        case unauthorized = "401"
        case redirect
    }

    package var paths: [RulePath]
    /// Names as in a request line, in any case, since some apps see no difference; GET stands for HEAD too (RFC 9110
    /// §9.3.2). Empty: all.
    package var methods: [String]
    package var effect: Effect
    /// The names of the identity providers whose users may pass; empty: all.
    package var providers: [String] = []
    /// nil: a navigation is redirected, anything else gets 401.
    package var unauthenticated: Unauthenticated?

    package init(
        paths: [RulePath], methods: [String] = [], effect: Effect, unauthenticated: Unauthenticated? = nil
    ) {
        self.paths = paths
        self.methods = methods
        self.effect = effect
        self.unauthenticated = unauthenticated
    }
}

extension AccessRule {
    fileprivate var coversHead: Bool { methods.contains { $0.utf8.elementsEqual("GET".utf8) } }
}

/// All rules, compiled: what a request costs does not grow with their number.
package struct AccessRules: Sendable {
    /// Which rules decide about a request.
    package enum Judgement: Equatable {
        /// The first rule that matches; nil: none does.
        case rule(Int?)
        /// The path can be read in several ways, and different rules match: each has a say, the first is the one of
        /// the canonical form.
        case rules([Int?])
        /// The path has no safe reading.
        case unreadable
    }

    package let rules: [AccessRule]
    private let methods: [[[UInt8]]]
    /// Some rule is for certain methods alone.
    let distinguishesMethods: Bool
    private let exact: PathMatcher
    /// As an app sees it that ignores case and a trailing slash.
    private let lenient: PathMatcher
    /// As an app sees it that folds case by all of Unicode, or normalises.
    private let folded: FoldedPatterns
    /// No pattern has capitals or a slash at the end, so for a path without them both matchers say the same.
    private let isUniform: Bool

    package init(_ rules: [AccessRule]) {
        self.rules = rules
        methods = rules.map { $0.methods.map { Array($0.utf8) } + ($0.coversHead ? [Array("HEAD".utf8)] : []) }
        distinguishesMethods = rules.contains { !$0.methods.isEmpty }
        let patterns = rules.map(\.paths)
        exact = PathMatcher(patterns, isLenient: false)
        lenient = PathMatcher(patterns, isLenient: true)
        folded = FoldedPatterns(patterns)
        isUniform = patterns.joined().allSatisfy { pattern in
            !(pattern.segments.last?.isEmpty ?? false)
                && !pattern.segments.joined().contains { $0 &- 0x41 < 26 || $0 >= 0x80 }
        }
    }

    package var isEmpty: Bool { rules.isEmpty }

    /// - Parameter path: as sent, without query.
    package func judge(_ path: Span<UInt8>, method: Span<UInt8>) -> Judgement {
        judge(path, method: method, delivery: .canonical)
    }

    func judge(_ path: Span<UInt8>, method: Span<UInt8>, delivery: RequestPath.Delivery) -> Judgement {
        if RequestPath.isPlain(path) {
            let first = exact.first(matching: path) { applies($0, method) }
            if isUniform, Self.isUniform(path) { return .rule(first) }
            let other = lenientRule(for: path, method)
            return first == other ? .rule(first) : .rules([first, other])
        }
        guard let path = try? RequestPath(path, delivery: delivery) else { return .unreadable }
        return judge(path, method: method)
    }

    /// As the other, for a path that was read already.
    func judge(_ path: RequestPath, method: Span<UInt8>) -> Judgement {
        let deciding = readings(path, method: method).map(\.rule)
        return deciding.count == 1 ? .rule(deciding[0]) : .rules(deciding)
    }

    /// Each rule that has a say, nil for none of them, with a reading of the path that it matches. The first is of the
    /// canonical form.
    func readings(_ path: RequestPath, method: Span<UInt8>) -> [(path: [UInt8], rule: Int?)] {
        var result: [(path: [UInt8], rule: Int?)] = []
        for reading in path.all {
            let text = reading.span
            for rule in [exact.first(matching: text) { applies($0, method) }, lenientRule(for: text, method)]
            where !result.contains(where: { $0.rule == rule }) {
                result.append((reading, rule))
            }
        }
        for (reading, rule) in closing(path, method) where !result.contains(where: { $0.rule == rule }) {
            result.append((reading, rule))
        }
        return result
    }

    /// Rules that only close what the others may have opened: those that name what unusual readers make of the path.
    private func closing(_ path: RequestPath, _ method: Span<UInt8>) -> [(path: [UInt8], rule: Int)] {
        var result: [(path: [UInt8], rule: Int)] = []
        for reading in path.remnants {
            let text = reading.span
            for rule in [exact.first(matching: text) { applies($0, method) }, lenientRule(for: text, method)] {
                // A rule for all paths is no more about this one than the default is.
                guard let rule, rules[rule].effect != .anyone, !rules[rule].paths.contains(where: \.isAll) else {
                    continue
                }
                result.append((reading, rule))
            }
        }
        guard !folded.isEmpty else { return result }
        for reading in path.all where FoldedPatterns.isBeyondASCII(reading) {
            guard let rule = folded.first(matching: reading, where: { applies($0, method) }),
                rules[rule].effect != .anyone
            else { continue }
            // An earlier rule that matches decides, as for the path that the pattern spells.
            let text = reading.span
            if let first = exact.first(matching: text, where: { applies($0, method) }), first <= rule { continue }
            result.append((reading, rule))
        }
        return result
    }

    private func lenientRule(for path: Span<UInt8>, _ method: Span<UInt8>) -> Int? {
        var text: [UInt8] = []
        text.reserveCapacity(path.count)
        for index in path.indices { text.append(lowercased(path[index])) }
        if text.last == UInt8(ascii: "/") { text.removeLast() }
        let small = text.span
        return lenient.first(matching: small) { applies($0, method) }
    }

    private func applies(_ rule: Int, _ method: Span<UInt8>) -> Bool {
        methods[rule].isEmpty || methods[rule].contains { $0.span.equalsFoldingCase(method) }
    }

    /// No capitals, and no slash at the end.
    private static func isUniform(_ path: Span<UInt8>) -> Bool {
        for index in path.indices where path[index] &- 0x41 < 26 { return false }
        return path.count > 0 && path[path.count - 1] != UInt8(ascii: "/")
    }
}
