// SPDX-License-Identifier: Apache-2.0

/// `identityProviders`
enum ProviderOptions {
    static let list = Option<[OptionValues]>(
        "identityProviders", .list(.object(ProviderItemOptions.rows)), default: "[]",
        "Several identity providers, in place of the one of `identityProvider` and `token`: people choose one, where their"
            + " host offers more than one. What stands in `identityProvider` and `token` at the top is the default of each,"
            + " except keys, secrets, algorithms, issuer, audience, client and return path. Users of two providers are never"
            + " the same user; the field `provider` holds the name.")

    static let rows = OptionRow.of(list)
    static let maximumCount = 32
}

/// Items of `identityProviders`.
enum ProviderItemOptions {
    static let name = Option<String?>(
        "name", .text(.providerName),
        "Names the provider in URLs, logs and metrics, and as the field `provider`: 1 to 32 of a to z, 0 to 9 and `-`."
    ).required()
    static let label = Option<String?>(
        "label", .text(.oneLine), "What it is called on the page where people choose. Default: the name.")
    static let hosts = Option<[String]?>(
        "hosts", .list(.text(.hostPattern)),
        "Hosts that offer it: names, or `*.` and a name for those below it. Default: every host.")
    static let users = Option<OptionValues?>(
        "users", .object(nested(AccessOptions.userRows, below: "access.users")),
        "Registered users only, as `access.users`, which its users must pass too: `emails`, `emailsFile`, `emailDomains`,"
            + " `groups`.")
    static let identityProvider = Option<OptionValues?>(
        "identityProvider", .object(nested(IdentityProviderOptions.rows, below: "identityProvider")),
        "As `identityProvider` at the top. The return path is /.sidegate/callback/NAME unless the item or its preset sets"
            + " another.")
    static let token = Option<OptionValues?>(
        "token", .object(nested(TokenOptions.rows, below: "token")), "As `token` at the top.")

    static let rows = OptionRow.of(name, label, hosts, users, identityProvider, token)

    /// Options of a section as those of a mapping: none is required or has a default, since the top may set it, and a
    /// section within is a mapping within.
    private static func nested(_ rows: [OptionRow], below section: String) -> [OptionRow] {
        var result: [OptionRow] = []
        for row in rows where row.path.hasPrefix(section + ".") {
            guard row.section != section else {
                var part = OptionRow(row.path, row.kind, defaultText: nil, row.summary)
                part.isSecret = row.isSecret
                part.group = row.group
                result.append(part)
                continue
            }
            let inner = section + "." + String(row.path.dropFirst(section.count + 1).prefix { $0 != "." })
            guard !result.contains(where: { $0.path == inner }) else { continue }
            result.append(
                OptionRow(
                    inner, .object(nested(rows, below: inner)), defaultText: nil, "As `\(inner)` at the top."))
        }
        return result
    }
}
