// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Gate
import JWT
import Sidecar

/// The checks of `doctor` that need no connection: the configuration, its secrets, its cookies.
struct OfflineChecks {
    private let settings: Settings
    private let loaded: LoadedConfiguration

    init(_ settings: Settings, _ loaded: LoadedConfiguration) {
        self.settings = settings
        self.loaded = loaded
    }

    var findings: [DoctorFinding] {
        [configuration] + warnings + blanks + secrets + [cookies] + users + certificates
    }

    private var configuration: DoctorFinding {
        if let file = loaded.file, loaded.showsSecretsToOthers {
            return DoctorFinding(
                .warning, "configuration", "\(file) holds secrets, and other users can read it",
                fix: "chmod o-rwx \(file), or name files with the secrets in it")
        }
        return DoctorFinding(
            .ok, "configuration",
            "\(loaded.file ?? "environment and command line"), "
                + settings.providers.map { provider in
                    (provider.name.isEmpty ? "" : "provider \(provider.name): ")
                        + Self.kind(of: provider.identityProvider)
                }.joined(separator: ", "))
    }

    /// The default preset says nothing about a provider of OpenID Connect.
    private static func kind(of provider: IdentityProviderSettings) -> String {
        let preset = provider.preset
        return provider.openID != nil && !preset.isOpenID ? "protocol oidc" : "preset \(preset.name)"
    }

    /// The warnings of `check`; the message contains the fix.
    private var warnings: [DoctorFinding] {
        loaded.findings.map { DoctorFinding(.warning, "configuration", "\($0.origin.label): \($0.message)") }
    }

    /// Values that `init` left to be filled in.
    private var blanks: [DoctorFinding] {
        loaded.blanks.map { path, origin in
            DoctorFinding(
                .failed, path, "\(origin.label): still what `sidegate init` wrote", fix: "fill in your own value")
        }
    }

    private var secrets: [DoctorFinding] {
        var findings: [DoctorFinding] = []
        if let secret = settings.session.secrets.first {
            let older = settings.session.secrets.count - 1
            findings.append(
                Self.isMonotonous(secret)
                    ? DoctorFinding(
                        .warning, "session.secret", "\(secret.bytes.count) bytes, but of few different characters",
                        fix: "take the output of `sidegate secret`")
                    : DoctorFinding(
                        .ok, "session.secret",
                        "\(secret.bytes.count) bytes" + (older > 0 ? ", and \(older) older" : "")))
        }
        let keys = settings.providers.flatMap { provider in
            provider.token.keys.keys.enumerated().map { (provider.place(of: "token key \($0 + 1)"), $1) }
        }
        for (name, key) in keys {
            let identified = key.summary + (key.keyID.map { ", kid \($0)" } ?? "")
            // RFC 7518 §3.2 asks for as many bits as the hash has; 128 are accepted.
            findings.append(
                key.isSymmetric && Self.bits(key.summary) < 256
                    ? DoctorFinding(
                        .warning, name, identified,
                        fix: "agree on one of 256 bits with the identity provider (`sidegate secret` makes one)")
                    : DoctorFinding(.ok, name, identified))
        }
        return findings
    }

    private var cookies: DoctorFinding {
        let name = settings.session.cookieName
        guard let publicURL = settings.publicURL else {
            if settings.trustedProxies.isEmpty {
                return DoctorFinding(
                    .warning, "cookies",
                    "publicURL is not set and no proxy is trusted: all requests count as plain http",
                    fix: "set `publicURL` to the address that browsers see, so that cookies are Secure")
            }
            return DoctorFinding(.ok, "cookies", "Secure where a trusted proxy says that the browser came over https")
        }
        if publicURL.isSecure {
            let prefix = settings.session.domain.isEmpty ? "__Host-" : "__Secure-"
            return DoctorFinding(
                .ok, "cookies", "\(name.isEmpty ? prefix + "sidegate" : name), Secure, for \(publicURL.words)")
        }
        if LoopbackHost.isNamed(in: publicURL.words) {
            return DoctorFinding(
                .ok, "cookies", "not Secure, for \(publicURL.words), which does not leave this machine")
        }
        return DoctorFinding(
            .warning, "cookies", "over http (\(publicURL.words)) the session cookie can be read on its way",
            fix: "serve browsers over https and set `publicURL: https://…`")
    }

    private var users: [DoctorFinding] {
        let lists =
            [("access.users.emailsFile", settings.access.users)]
            + settings.providers.map { ($0.place(of: "users.emailsFile"), $0.users) }
        return lists.compactMap { name, users in
            guard let file = users.emailsFile else { return nil }
            let count = users.listedEmails.count
            return DoctorFinding(
                count == 0 ? .warning : .ok, name, "\(file): \(count) address\(count == 1 ? "" : "es")",
                fix: count == 0 ? "put one on each line" : "")
        }
    }

    /// Expired and mismatched certificates are errors of loading; this reports how long the others are valid.
    private var certificates: [DoctorFinding] {
        var all = settings.tls?.certificates.map { ("tls.certificates", $0.chain) } ?? []
        if let own = settings.upstream.tls.certificate { all.append(("upstream.tls.certificate", own.chain)) }
        if let own = settings.provisioning?.tls.certificate {
            all.append(("provisioning.clientCertificate", own.chain))
        }
        if let own = settings.telemetry?.tls.certificate { all.append(("telemetry.clientCertificate", own.chain)) }
        for provider in settings.providers {
            all += provider.token.remoteKeys.compactMap { remote in
                remote.tls.certificate.map { (provider.place(of: "token.keys[].clientCertificate"), $0.chain) }
            }
        }
        let now = Int64(Instant.now().seconds)
        return all.map { name, chain in
            let words =
                "\(chain.names.first ?? "no name"), valid until \(CalendarDate(secondsSince1970: chain.notAfter))"
            // Short-lived certificates are renewed late: the last fifth of its lifetime is late for any.
            let isLate = chain.notAfter - now < min(14 * 86_400, (chain.notAfter - chain.notBefore) / 5)
            return isLate
                ? DoctorFinding(
                    .warning, name, words, fix: "renew it; a running gate loads the new file without a reload")
                : DoctorFinding(.ok, name, words)
        }
    }

    /// "secret, 128 bits"
    private static func bits(_ summary: String) -> Int {
        summary.split(separator: " ").compactMap { Int($0) }.first ?? 0
    }

    private static func isMonotonous(_ secret: Secret) -> Bool { Set(secret.bytes).count < 8 }
}
