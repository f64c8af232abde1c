// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The commented configuration that `sidegate init` writes for a preset. It passes `check` as it is written; lines that
/// must be filled in are marked, with the names that the vendor's page uses.
package struct StarterFile {
    /// The placeholder for a value that only the administrator knows; `doctor` reports it until it is replaced.
    package static let blank = "FILL-IN"
    /// Hosts that are never those of an identity provider (RFC 2606).
    static let exampleHosts = ["www.example.com", "idp.example.com"]
    /// Marks a line that must be filled in.
    static let mark = "# <== FILL IN:"

    package let preset: Preset
    /// Shared with the identity provider.
    package let tokenSecret: String
    package let sessionSecret: String
    package let provisioningSecret: String

    package init(preset: Preset, tokenSecret: String, sessionSecret: String, provisioningSecret: String) {
        self.preset = preset
        self.tokenSecret = tokenSecret
        self.sessionSecret = sessionSecret
        self.provisioningSecret = provisioningSecret
    }

    /// The whole file.
    package var text: String {
        let parts = parts
        return head + parts.provider + "\n" + parts.token + "\n" + session + "\n" + parts.access + "\n"
            + parts.nativeLogin
            + "\n" + provisioning
    }

    /// The next steps, for standard error; `file` is nil when the text went to standard output.
    package func nextSteps(file: String?) -> String {
        let config = file.map { $0 == "sidegate.yaml" ? "" : " --config \($0)" } ?? " --config FILE"
        var steps = [
            "fill in the lines marked \"<== FILL IN\""
                + (file.map { " in \($0)" } ?? ", and save it as FILE with mode 600"),
            parts.secretStep,
            "sidegate check\(config)     reports what is wrong with the file, line by line",
            "sidegate doctor\(config)    checks the app, the identity provider and the clocks",
            "sidegate run\(config)",
        ]
        switch preset.name {
        case "generic": break
        case "oidc": steps.append("in detail: docs/openid.md")
        default: steps.append("in detail: docs/identity-providers/\(preset.name).md")
        }
        return "Next:\n" + steps.enumerated().map { "  \($0.offset + 1). \($0.element)\n" }.joined()
    }

    /// Lines of a configuration's text that carry the mark and are exactly as some preset's file has them.
    static func unfilledLines(_ text: [UInt8]) -> [(line: Int, column: Int)] {
        guard text.span.firstIndex(of: mark.utf8.span) != nil else { return [] }
        var marked: Set<String> = []
        for preset in Preset.served {
            let file = StarterFile(preset: preset, tokenSecret: "", sessionSecret: "", provisioningSecret: "")
            for line in file.text.split(separator: "\n") {
                if let value = value(ofMarked: line) { marked.insert(value) }
            }
        }
        var found: [(line: Int, column: Int)] = []
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard let value = value(ofMarked: line), marked.contains(value) else { continue }
            found.append((index + 1, line.prefix { $0 == " " }.count + 1))
        }
        return found
    }

    /// The text before the mark, without blanks around it; nil without a mark, and in a comment.
    private static func value(ofMarked line: Substring) -> String? {
        guard let range = line.firstRange(of: mark) else { return nil }
        var value = line[..<range.lowerBound].drop { $0 == " " }
        while value.last == " " { value.removeLast() }
        return value.isEmpty || value.first == "#" ? nil : String(value)
    }

    // MARK: - Common parts

    private var head: String {
        """
        # Sidegate for the preset "\(preset.name)". \(preset.summary)
        #
        # Lines marked "<== FILL IN" need your values. Then: sidegate check, sidegate doctor, sidegate run.
        # All keys: docs/configuration.md. This file holds secrets: keep it readable by its owner alone (chmod 600), or
        # move each secret to a file of its own and name that with secretFile.

        listen: "127.0.0.1:8080"                # where browsers connect; "0.0.0.0:8080" for every address
        publicURL: "http://localhost:8080"      \(Self.mark) the address that browsers see, such as https://learn.example.com
        upstream: "http://127.0.0.1:3000"       \(Self.mark) where your app is; also unix:/run/app.sock
        trustedProxies: []                      # address blocks of the proxies before Sidegate, such as ["10.0.0.0/8"]


        """
    }

    private var session: String {
        """
        session:
          secret: "\(sessionSecret)"    # fresh; it encrypts the session cookies; share it with no one
          lifetime: 12h
          idleTimeout: 1h

        # Headers tell the app who the user is: X-Forwarded-User, -Email, -Groups, -Preferred-Username.
        headerPreset: forwarded                 # or remote-user, basic, auth-request, jenkins, grafana, gitea

        """
    }

    private var provisioning: String {
        """
        # Notify the app of a user before the first visit: a signed POST of the fields as JSON. 2xx lets the user in; 402, 403
        # or 409 means that no seat is left.
        #provisioning:
        #  url: "http://127.0.0.1:3000/hooks/users"
        #  secret: "\(provisioningSecret)"
        #  eachLogin: true                      # at each sign-in, so that changed names reach the app

        """
    }
}
