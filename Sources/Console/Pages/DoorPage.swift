// SPDX-License-Identifier: Apache-2.0

/// The pages before anybody is let in. They show nothing about people, and nothing about the gate.
package enum DoorPage: Sendable, Equatable {
    /// No token is configured.
    case off
    /// Asks for the token. `problem`: why it is asked for again; empty: it was not given yet.
    case signIn(problem: String)
    /// Something else is wrong with the request.
    case refused(title: String, message: String)

    package var html: HTML {
        ConsolePage(
            title: title, path: "", visitor: nil, gate: "", version: "", now: 0,
            content:
                "<div class=\"narrow\"><section class=\"card\" aria-labelledby=\"h-door\"><h1 id=\"h-door\">\(title)</h1>\n\(content)</section></div>"
        ).html
    }

    private var title: String {
        switch self {
        case .off: "The console is off"
        case .signIn: "Console"
        case .refused(let title, _): title
        }
    }

    private var content: HTML {
        switch self {
        case .off: Self.instructions
        case .signIn(let problem): Self.form(problem)
        case .refused(_, let message): "<p>\(message)</p>"
        }
    }

    private static let instructions: HTML = """
        <p>Health and metrics are served here without it: <a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>, <a href="/metrics">/metrics</a>.</p>
        <h2>How to switch it on</h2>
        <ol><li>Write a token to a file that only the gate may read:<br><code>sidegate secret &gt; /etc/sidegate/admin-token</code></li>
        <li>Name it in the configuration:<br><code>admin: { tokenFile: /etc/sidegate/admin-token }</code></li>
        <li>Come back to this page, and type the token in.</li></ol>
        <p class="soft">Without a token, a unix socket (<code>admin.listen: unix:/run/sidegate/admin.sock</code>) serves the gate's own user and root.</p>
        """

    private static func form(_ problem: String) -> HTML {
        let alert: HTML =
            problem.isEmpty ? HTML() : "<p class=\"said bad\" role=\"alert\" id=\"problem\">\(problem)</p>"
        let described: HTML = problem.isEmpty ? HTML() : " aria-describedby=\"problem\" aria-invalid=\"true\""
        return """
            \(alert)<p>Type in the token of <code>admin.tokenFile</code>. This browser is then admitted for an hour. Admitted already? <a href="">Go on</a>.</p>
            <form method="post" action="\(ConsolePath.signIn)"><input type="text" name="user" value="sidegate" autocomplete="username" hidden><div class="field"><label for="token">Token</label>
            <input id="token" type="password" name="token" autocomplete="current-password" required maxlength="4096"\(described)></div>
            <div class="actions"><button class="button first">Sign in</button></div></form>
            """
    }
}
