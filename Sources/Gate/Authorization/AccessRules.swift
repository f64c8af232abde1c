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
    /// Names in lower case, or `*.` and a name for all below it; empty: every host.
    package var hosts: [String] = []
    /// Networks of the client; empty: all clients, known or not.
    package var from: [CIDR] = []
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
        /// The path can be read in several ways, or the client may be in several networks, and different rules match: each
        /// has a say, the first is the one of the canonical form.
        case rules([Int?])
        /// The path has no safe reading.
        case unreadable
    }

    /// How rules are found by the path. All are about one group of ``RuleSelection``.
    private struct Matchers: Sendable {
        let exact: PathMatcher
        /// As an app sees it that ignores case and a trailing slash.
        let lenient: PathMatcher
        /// As an app sees it that folds case by all of Unicode, or normalises.
        let folded: FoldedPatterns

        init(_ rules: [AccessRule], _ members: [Int]) {
            let patterns = members.map { (rule: $0, patterns: rules[$0].paths) }
            exact = PathMatcher(patterns, isLenient: false)
            lenient = PathMatcher(patterns, isLenient: true)
            folded = FoldedPatterns(patterns)
        }
    }

    package let rules: [AccessRule]
    private let methods: [[[UInt8]]]
    /// Some rule is for certain methods alone.
    let distinguishesMethods: Bool
    private let selection: RuleSelection
    /// Some rule is for certain hosts or networks alone.
    let isSelective: Bool
    /// Some rule is for certain networks alone.
    let distinguishesNetworks: Bool
    /// Of the rules for every host and client.
    private let matchers: Matchers
    /// Of the other groups, the first of which is number 1.
    private let otherMatchers: [Matchers]
    /// Some pattern holds characters beyond ASCII.
    private let hasFolded: Bool
    /// No pattern has capitals or a slash at the end, so for a path without them both matchers say the same.
    private let isUniform: Bool

    package init(_ rules: [AccessRule]) {
        self.rules = rules
        methods = rules.map { $0.methods.map { Array($0.utf8) } + ($0.coversHead ? [Array("HEAD".utf8)] : []) }
        distinguishesMethods = rules.contains { !$0.methods.isEmpty }
        distinguishesNetworks = rules.contains { !$0.from.isEmpty }
        selection = RuleSelection(rules)
        isSelective = selection.isNeeded
        matchers = Matchers(rules, selection.members[0])
        otherMatchers = selection.members.dropFirst().map { Matchers(rules, $0) }
        hasFolded = !matchers.folded.isEmpty || otherMatchers.contains { !$0.folded.isEmpty }
        isUniform = rules.map(\.paths).joined().allSatisfy { pattern in
            !(pattern.segments.last?.isEmpty ?? false)
                && !pattern.segments.joined().contains { $0 &- 0x41 < 26 || $0 >= 0x80 }
        }
    }

    package var isEmpty: Bool { rules.isEmpty }

    /// The groups that a request looks at.
    ///
    /// - Parameters:
    ///   - host: an authority; empty: unknown.
    ///   - client: nil: not known.
    func groups(host: Span<UInt8>, client: IPAddress?) -> RuleSelection.Groups {
        isSelective ? selection.groups(host: host, client: client) : RuleSelection.Groups()
    }

    /// - Parameters:
    ///   - path: as sent, without query.
    ///   - host: an authority; empty: unknown.
    ///   - client: nil: not known.
    package func judge(
        _ path: Span<UInt8>, method: Span<UInt8>, host: [UInt8] = [], client: IPAddress? = nil
    ) -> Judgement {
        judge(path, method: method, delivery: .canonical, groups(host: host.span, client: client))
    }

    func judge(
        _ path: Span<UInt8>, method: Span<UInt8>, delivery: RequestPath.Delivery, _ groups: RuleSelection.Groups
    ) -> Judgement {
        if RequestPath.isPlain(path) {
            let first = exactRule(for: path, method, groups.certain)
            if groups.inDoubt.isEmpty {
                if isUniform, Self.isUniform(path) { return .rule(first) }
                let other = lenientRule(for: path, method, groups.certain)
                return first == other ? .rule(first) : .rules([first, other])
            }
        }
        guard let path = try? RequestPath(path, delivery: delivery) else { return .unreadable }
        return judge(path, method: method, groups)
    }

    /// As the other, for a path that was read already.
    func judge(_ path: RequestPath, method: Span<UInt8>, _ groups: RuleSelection.Groups) -> Judgement {
        let deciding = readings(path, method: method, groups).map(\.rule)
        return deciding.count == 1 ? .rule(deciding[0]) : .rules(deciding)
    }

    /// Each rule that has a say, nil for none of them, with a reading of the path that it matches. The first is of the
    /// canonical form.
    func readings(
        _ path: RequestPath, method: Span<UInt8>, _ groups: RuleSelection.Groups
    ) -> [(path: [UInt8], rule: Int?)] {
        var result: [(path: [UInt8], rule: Int?)] = []
        func add(_ reading: [UInt8], _ rule: Int?) {
            if !result.contains(where: { $0.rule == rule }) { result.append((reading, rule)) }
        }
        for reading in path.all {
            let text = reading.span
            let exact = exactRule(for: text, method, groups.certain)
            let lenient = lenientRule(for: text, method, groups.certain)
            add(reading, exact)
            add(reading, lenient)
        }
        for (reading, rule) in closing(path, method, groups) { add(reading, rule) }
        guard !groups.inDoubt.isEmpty else { return result }
        // None of them is among the others, which are for all clients.
        return result + rulesInDoubt(for: path, method, groups).map { (path.canonical, $0) }
    }

    /// Rules that only close what the others may have opened: those that name what unusual readers make of the path.
    private func closing(
        _ path: RequestPath, _ method: Span<UInt8>, _ groups: RuleSelection.Groups
    ) -> [(path: [UInt8], rule: Int)] {
        var result: [(path: [UInt8], rule: Int)] = []
        for reading in path.remnants {
            let text = reading.span
            for rule in [exactRule(for: text, method, groups.certain), lenientRule(for: text, method, groups.certain)] {
                guard let rule, closesRemnants(rule) else { continue }
                result.append((reading, rule))
            }
        }
        guard hasFolded else { return result }
        for reading in path.all where FoldedPatterns.isBeyondASCII(reading) {
            guard let rule = foldedRules(for: reading, method, groups.certain, isForAll: true).first,
                rules[rule].effect != .anyone
            else { continue }
            // An earlier rule that matches decides, as for the path that the pattern spells.
            if let first = exactRule(for: reading.span, method, groups.certain), first <= rule { continue }
            result.append((reading, rule))
        }
        return result
    }

    /// A rule for all paths is no more about what unusual readers make of one than the default is.
    private func closesRemnants(_ rule: Int) -> Bool {
        rules[rule].effect != .anyone && !rules[rule].paths.contains(where: \.isAll)
    }

    /// Those that match if the client is in their networks, unless an earlier rule matches whatever client it is. The first
    /// one that denies says it all.
    private func rulesInDoubt(
        for path: RequestPath, _ method: Span<UInt8>, _ groups: RuleSelection.Groups
    ) -> [Int] {
        var isFound = [Bool](repeating: false, count: rules.count)
        for (reading, isRemnant) in path.all.map({ ($0, false) }) + path.remnants.map({ ($0, true) }) {
            let text = reading.span
            let small = Self.leniently(text)
            let exact = exactRule(for: text, method, groups.certain)
            let lenient = lenientRule(for: text, method, groups.certain)
            for group in groups.inDoubt {
                let matchers = otherMatchers[group - 1]
                let found =
                    matchers.exact.all(matching: text).filter { $0 < exact ?? .max }
                    + matchers.lenient.all(matching: small.span).filter { $0 < lenient ?? .max }
                for rule in found where !isFound[rule] && applies(rule, method) {
                    isFound[rule] = !isRemnant || closesRemnants(rule)
                }
            }
            guard hasFolded, !isRemnant, FoldedPatterns.isBeyondASCII(reading) else { continue }
            let folded = foldedRules(for: reading, method, groups.certain, isForAll: true).first
            let limit = min(folded ?? .max, exact ?? .max)
            for rule in foldedRules(for: reading, method, groups.inDoubt, isForAll: false) where rule < limit {
                isFound[rule] = true
            }
        }
        let found = isFound.indices.filter { isFound[$0] }
        return found.first { rules[$0].effect == .deny }.map { [$0] } ?? found
    }

    private func exactRule(for path: Span<UInt8>, _ method: Span<UInt8>, _ groups: [Int]) -> Int? {
        var best = matchers.exact.first(matching: path) { applies($0, method) }
        for group in groups {
            let rule = otherMatchers[group - 1].exact.first(matching: path) { applies($0, method) }
            if let rule, rule < best ?? .max { best = rule }
        }
        return best
    }

    private func lenientRule(for path: Span<UInt8>, _ method: Span<UInt8>, _ groups: [Int]) -> Int? {
        let text = Self.leniently(path)
        let small = text.span
        var best = matchers.lenient.first(matching: small) { applies($0, method) }
        for group in groups {
            let rule = otherMatchers[group - 1].lenient.first(matching: small) { applies($0, method) }
            if let rule, rule < best ?? .max { best = rule }
        }
        return best
    }

    /// Ascending.
    private func foldedRules(
        for path: [UInt8], _ method: Span<UInt8>, _ groups: [Int], isForAll: Bool
    ) -> [Int] {
        var found: [Int] = []
        if isForAll, !matchers.folded.isEmpty { found = matchers.folded.all(matching: path) }
        for group in groups where !otherMatchers[group - 1].folded.isEmpty {
            found += otherMatchers[group - 1].folded.all(matching: path)
        }
        return found.filter { applies($0, method) }.sorted()
    }

    /// In lower case, without a slash at the end.
    private static func leniently(_ path: Span<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(path.count)
        for index in path.indices { text.append(lowercased(path[index])) }
        if text.last == UInt8(ascii: "/") { text.removeLast() }
        return text
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
