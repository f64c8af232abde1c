// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

// What is well formed and hardly meant.

extension SettingsBuilder {
    mutating func checkSuspicions(_ settings: Settings) {
        warnOfWideNetworks("trustedProxies")
        warnOfSharedSecrets(settings)
        for item in resolution.list("access.users.emails") {
            guard case .text(let text) = item.value, text.utf8.contains(UInt8(ascii: "*")) else { continue }
            findings.append(
                .warning(
                    item.origin,
                    "`access.users.emails`: `*` is an ordinary character of an address, so \(Quoted.text(text)) is one"
                        + " address; for all addresses of a domain use `access.users.emailDomains`"))
        }
    }

    /// - Parameter path: of the key, for the text.
    mutating func warnOfPatterns(_ part: Located?, _ path: String) {
        guard case .list(let items)? = part?.value else { return }
        let returnPath = resolution.text("identityProvider.returnPath")
        for item in items {
            guard case .text(let text) = item.value else { continue }
            if let words = LiteralPattern.suspicion(text) {
                findings.append(
                    .warning(
                        item.origin,
                        "`\(path)`: \(Quoted.text(text)) looks like \(words), and is compared as it stands; write whole"
                            + " paths, or beginnings such as \"\(LiteralPattern.suggestion(text))\""))
            } else if ReservedPath.isOwn(text, returnPath: returnPath) {
                findings.append(
                    .warning(
                        item.origin,
                        "`\(path)`: \(Quoted.text(text)) is Sidegate's own, so this never applies to a request; remove it"
                    ))
            }
        }
    }

    /// Any client in such a block can set the address, scheme and host of a request.
    private mutating func warnOfWideNetworks(_ path: String) {
        for item in resolution.list(path) {
            guard case .network(let network) = item.value else { continue }
            let block = network.block
            let isWide =
                block.base.isV4 && block.prefixLength >= 96
                ? block.prefixLength - 96 < Self.shortestV4Prefix : block.prefixLength < Self.shortestV6Prefix
            guard isWide else { continue }
            findings.append(
                .warning(
                    item.origin,
                    "`\(path)`: \(network) is most of the Internet: every client could choose its own address, scheme and"
                        + " host with X-Forwarded-* fields; name the addresses of the proxies"))
        }
    }

    private mutating func warnOfSharedSecrets(_ settings: Settings) {
        var known = namedSecrets.map { ($0.name, $0.text.bytes) }
        var others: [(name: String, bytes: [UInt8], what: String)] = []
        for secret in settings.session.secrets {
            others.append((nameInForce("session", "secret", "secrets"), secret.bytes, "forge sessions"))
        }
        if let secret = settings.provisioning?.secret {
            others.append((nameInForce("provisioning", "secret"), secret.bytes, "pose as Sidegate to the app"))
        }
        if let password = settings.redis?.password {
            others.append((nameInForce("redis", "password"), password.bytes, "use Redis"))
        }
        for (name, bytes, what) in others {
            if let twin = known.first(where: { $0.0 != name && $0.1 == bytes }) {
                findings.append(
                    .warning(
                        resolution.origin(name),
                        "`\(name)` is the same secret as `\(twin.0)`: everyone who has that one could \(what) as well; make"
                            + " a fresh one with `sidegate secret`"))
            }
            known.append((name, bytes))
        }
    }

    /// Which of `section.name` and its twin for files is set.
    private func nameInForce(_ section: String, _ names: String...) -> String {
        let all = names.flatMap { ["\(section).\($0)", "\(section).\($0)File"] }
        return all.first { resolution.entries[$0].map { !$0.isDefault } ?? false } ?? all[0]
    }

    /// 10.0.0.0/8 is the largest private block, fc00::/7 that of IPv6.
    private static let shortestV4Prefix = 8
    private static let shortestV6Prefix = 7
}
