// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

/// Finds rules that never decide, since one that stands before them has all of their paths.
struct CoveredRules {
    /// Whom rules are for.
    private struct Scope: Hashable {
        let hosts: Set<String>
        let from: Set<CIDR>
    }

    private var paths: [Scope: CoveredPaths] = [:]

    /// - Parameter rule: for all methods.
    mutating func add(_ rule: AccessRule, _ index: Int) {
        paths[Scope(hosts: Set(rule.hosts), from: Set(rule.from)), default: CoveredPaths()].add(rule.paths, index)
    }

    /// The rule that has all of the paths, or more, for the same hosts and networks or for all; nil when no single one has.
    func cover(of rule: AccessRule) -> Int? {
        let (hosts, from) = (Set(rule.hosts), Set(rule.from))
        let scopes: Set<Scope> = [
            Scope(hosts: [], from: []), Scope(hosts: hosts, from: []), Scope(hosts: [], from: from),
            Scope(hosts: hosts, from: from),
        ]
        return scopes.compactMap { paths[$0]?.cover(of: rule.paths) }.min()
    }
}

/// The paths that earlier rules for all methods cover.
private struct CoveredPaths {
    private var rules: [String: Int] = [:]

    mutating func add(_ paths: [RulePath], _ rule: Int) {
        for path in paths where rules[path.description] == nil { rules[path.description] = rule }
    }

    /// The rule that has all of `paths`, or more; nil when no single one has.
    func cover(of paths: [RulePath]) -> Int? {
        var cover: Int?
        for path in paths {
            guard let rule = rule(for: path.description), cover == nil || cover == rule else { return nil }
            cover = rule
        }
        return cover
    }

    private func rule(for path: String) -> Int? {
        if let rule = rules[path] { return rule }
        var beginning = path[...]
        if beginning.hasSuffix("/*") { beginning.removeLast(2) } else if let rule = rules[path + "/*"] { return rule }
        while let slash = beginning.lastIndex(of: "/") {
            beginning = beginning[..<slash]
            if let rule = rules[beginning + "/*"] { return rule }
        }
        return nil
    }
}
