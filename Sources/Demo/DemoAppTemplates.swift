// SPDX-License-Identifier: Apache-2.0

enum DemoAppTemplates {
    static let all = [
        "app": """
        {{> top}}<div class="card">
        {{#user}}<div class="hello"><span class="face" aria-hidden="true">{{initial}}</span>
        <div><h1>{{title}}</h1><p class="soft">{{email}}{{#groups}} · {{groups}}{{/groups}}</p></div></div>
        <p>This application has no sign-in of its own. The gate in front of it signed you in and passed on your identity.</p>
        <div class="actions"><a class="button plain" href="/.sidegate/logout">Sign out</a>
        </div>{{/user}}
        {{^user}}<h1>{{title}}</h1>
        <p>This page is open to everyone, so no sign-in was needed.</p>
        <div class="actions"><a class="button" href="{{signInURL}}">Sign in</a></div>{{/user}}
        </div>
        {{#hasIdentity}}<div class="card">
        <h2>Your identity, as passed to the application</h2>
        <div class="scroll"><table>
        {{#identity}}<tr><th scope="row">{{name}}</th><td>{{value}}</td></tr>
        {{/identity}}</table></div>
        </div>
        {{/hasIdentity}}<div class="card">
        <h2>Try this</h2>
        <ul>
        <li><a href="/reports/2026/q4?region=north&amp;sort=date">A page deep inside</a>: sign out, open it again, and you
        land there after signing in.</li>
        {{#providerURL}}<li><a href="{{providerURL}}">Start at the identity provider</a>: the gate asks for confirmation before it accepts a
        sign-in that it did not start. There you can also send invalid tokens.</li>
        {{/providerURL}}<li><a href="/.sidegate/callback?jwt=made-up">A made-up token</a>: the gate shows what is wrong.</li>
        <li><a href="/.sidegate/session">Your session</a>, as stored by the gate.</li>
        </ul>
        <p>And from a terminal:</p>
        <pre># an API call without a session gets 401, not a redirect
        curl -i -H 'Accept: application/json' {{publicURL}}/api/me

        # a header does not sign you in
        curl -i -H 'X-Forwarded-User: ada' {{publicURL}}/</pre>
        </div>
        <div class="card">
        <h2>Send something</h2>
        <form method="post" action="/upload" enctype="multipart/form-data">
        <label>A file <input type="file" name="file"></label>
        <label>A note <input type="text" name="note" autocomplete="off"></label>
        <div class="actions"><button class="button" type="submit">Send</button></div>
        </form>
        </div>
        <div class="card">
        <h2>The rest of the request</h2>
        <div class="scroll"><table>
        <tr><th scope="row">target</th><td>{{target}}</td></tr>
        {{#others}}<tr><th scope="row">{{name}}</th><td>{{value}}</td></tr>
        {{/others}}</table></div>
        </div>
        {{> end}}
        """,
        "upload": """
        {{> top}}<div class="card">
        <div class="icon good">{{> icon-check}}</div>
        <h1>{{title}}</h1>
        <div class="scroll"><table>
        <tr><th scope="row">From</th><td>{{user}}</td></tr>
        <tr><th scope="row">Bytes</th><td>{{size}}</td></tr>
        <tr><th scope="row">Type</th><td>{{type}}</td></tr>
        {{#note}}<tr><th scope="row">Note</th><td>{{note}}</td></tr>
        {{/note}}<tr><th scope="row">SHA-256</th><td>{{digest}}</td></tr>
        </table></div>
        <div class="actions"><a class="button plain" href="/">Back</a></div>
        </div>
        {{> end}}
        """,
    ]
}
