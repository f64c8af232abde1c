// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

// Values that are well formed and probably not intended.

extension SettingsBuilder {
    mutating func checkSuspicions(_ settings: Settings) {
        warnOfWideNetworks()
        warnOfSharedSecrets(settings)
        for item in resolution.items(AccessOptions.emails) where item.value.utf8.contains(UInt8(ascii: "*")) {
            findings.append(
                .warning(
                    item.origin,
                    "`access.users.emails`: `*` is an ordinary character of an address, so \(Quoted.text(item.value)) is one"
                        + " address; for all addresses of a domain use `access.users.emailDomains`"))
        }
    }

    /// - Parameter path: of the option, for messages.
    mutating func warnOfPatterns(_ items: [Located<String>], _ path: String) {
        let builders = providerBuilders.isEmpty ? [self] : providerBuilders
        let returnPaths = builders.map { $0.resolution[IdentityProviderOptions.returnPath] }
        for item in items {
            let text = item.value
            if let words = LiteralPattern.suspicion(text) {
                findings.append(
                    .warning(
                        item.origin,
                        "`\(path)`: \(Quoted.text(text)) looks like \(words), and is compared as it stands; write whole"
                            + " paths, or beginnings such as \"\(LiteralPattern.suggestion(text))\""))
            } else if ReservedPath.isOwn(text, returnPaths: returnPaths) {
                findings.append(
                    .warning(
                        item.origin,
                        "`\(path)`: \(Quoted.text(text)) is Sidegate's own, so this never applies to a request; remove it"
                    ))
            }
        }
    }

    /// Any client in such a block can set the address, scheme and host of a request.
    private mutating func warnOfWideNetworks() {
        let path = ProxyOptions.trusted.path
        for item in resolution.items(ProxyOptions.trusted) {
            let network = item.value
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
        let builders = providerBuilders.isEmpty ? [self] : providerBuilders
        for (builder, provider) in zip(builders, settings.providers) {
            guard let secret = provider.identityProvider.openID?.clientSecret else { continue }
            let place = builder.item.map { "identityProviders[\($0.index)]." } ?? ""
            known.append((place + builder.rowInForce(OpenIDOptions.clientSecret.rows), secret.bytes))
        }
        var others: [(name: String, bytes: [UInt8], what: String)] = []
        let ofSessions = rowInForce(SessionOptions.secret.rows + SessionOptions.secrets.rows)
        for secret in settings.session.secrets { others.append((ofSessions, secret.bytes, "forge sessions")) }
        if let secret = settings.provisioning?.secret {
            others.append(
                (rowInForce(ProvisioningOptions.secret.rows), secret.bytes, "pose as Sidegate to the app"))
        }
        if let password = settings.redis?.password {
            others.append((rowInForce(RedisOptions.password.rows), password.bytes, "use Redis"))
        }
        // Sentinels often have the password of their servers.
        if let password = settings.redis?.sentinelPassword, password != settings.redis?.password {
            others.append(
                (rowInForce(RedisOptions.sentinelPassword.rows), password.bytes, "lead the gate to another Redis"))
        }
        if let token = settings.admin.token {
            others.append((rowInForce(AdminOptions.token.rows), token.bytes, "end the sessions of all users"))
        }
        for (name, bytes, what) in others {
            if let twin = known.first(where: { $0.0 != name && $0.1 == bytes }) {
                findings.append(
                    .warning(
                        resolution.entry(name)?.origin ?? .builtIn,
                        "`\(name)` is the same secret as `\(twin.0)`: everyone who has that one could also \(what); make a"
                            + " fresh one with `sidegate secret`"))
            }
            known.append((name, bytes))
        }
    }

    /// The path of the option among these that is set.
    func rowInForce(_ rows: [OptionRow]) -> String {
        let set = rows.first { resolution.entries[$0.path].map { !$0.isDefault } ?? false }
        return (set ?? rows[0]).path
    }

    /// 10.0.0.0/8 is the largest private block, fc00::/7 that of IPv6.
    private static let shortestV4Prefix = 8
    private static let shortestV6Prefix = 7
}
