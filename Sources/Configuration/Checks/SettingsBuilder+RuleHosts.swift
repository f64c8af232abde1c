// SPDX-License-Identifier: Apache-2.0

import Gate

// Rules by host, where the host does not select the app.

extension SettingsBuilder {
    /// A client may send any host. If the app that gets a rule's paths is for other hosts too, everybody who names one of
    /// those gets there past the rule.
    mutating func checkRuleHosts(_ settings: Settings) {
        for (index, rule) in settings.access.rules.enumerated() where !rule.hosts.isEmpty {
            let origin =
                index < settings.access.ruleOrigins.count ? settings.access.ruleOrigins[index] : SourceLocation.builtIn
            for host in rule.hosts {
                guard let path = rule.paths.first(where: { !Self.isSelected($0, host, rule.hosts, settings) }) else {
                    continue
                }
                findings.append(
                    .warning(
                        origin,
                        "`access.rules[].hosts`: the app that gets \(path) at \(host) gets it under other hosts too, which a"
                            + " client can send at will, and for which this rule does not apply; give that app an item of"
                            + " `upstreams` with the same `hosts`, or make the rule one for all hosts"))
                break
            }
        }
    }

    /// The app of this path at this host gets requests for hosts of the rule alone.
    private static func isSelected(
        _ path: RulePath, _ host: String, _ hosts: [String], _ settings: Settings
    ) -> Bool {
        let app = settings.apps.first { app in
            !app.hosts.isEmpty && isCovered(host, by: app.hosts)
                && (app.paths.isEmpty || app.paths.contains { path.isCovered(by: $0) })
        }
        guard let app, app.upstream.address != settings.upstream.address else { return false }
        return settings.apps.filter { $0.upstream.address == app.upstream.address }.allSatisfy { other in
            !other.hosts.isEmpty && other.hosts.allSatisfy { isCovered($0, by: hosts) }
        }
    }

    /// - Parameter host: a name, or `*.` and a name.
    private static func isCovered(_ host: String, by patterns: [String]) -> Bool {
        patterns.contains { pattern in
            pattern == host || pattern.hasPrefix("*.") && host.hasSuffix(pattern.dropFirst())
        }
    }
}

extension RulePath {
    /// The other one stands for all that this one stands for.
    fileprivate func isCovered(by other: RulePath) -> Bool {
        guard description != other.description else { return true }
        guard other.description.hasSuffix("/*") else { return false }
        return isBelow(String(other.description.dropLast(2)))
    }
}
