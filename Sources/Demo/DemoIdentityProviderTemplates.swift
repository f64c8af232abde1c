// SPDX-License-Identifier: Apache-2.0

enum DemoIdentityProviderTemplates {
    static let all = [
        "login": """
        {{> top}}<div class="card">
        <h1>{{title}}</h1>
        <p class="soft">The application sent you here to sign in. Choose a demo user; no password is needed.</p>
        \(people)
        </div>
        {{> end}}
        """,
        "welcome": """
        {{> top}}<div class="card">
        <h1>{{title}}</h1>
        <p>This is the demo's stand-in for your identity provider. Usually the application sends you here; a sign-in can
        also start here, as from a company portal. The gate then asks you to confirm it.</p>
        {{#user}}<p class="soft">You are signed in here as {{user}}. <a href="{{base}}/logout">Sign out</a></p>
        {{/user}}\(people)
        </div>
        {{> end}}
        """,
        "signed-out": """
        {{> top}}<div class="card">
        <div class="icon good">{{> icon-check}}</div>
        <h1>{{title}}</h1>
        <p>Your sessions at the application and at this identity provider have ended.</p>
        <div class="actions"><a class="button" href="{{returnTo}}">Back to the application</a></div>
        </div>
        {{> end}}
        """,
        "note": """
        {{> top}}<div class="card">
        <div class="icon warn">{{> icon-warn}}</div>
        <h1>{{title}}</h1>
        {{#message}}<p>{{message}}</p>
        {{/message}}<div class="actions"><a class="button plain" href="{{base}}/">What is this?</a></div>
        </div>
        {{> end}}
        """,
    ]

    private static let people = """
        <form method="post" action="{{base}}/login">
        <input type="hidden" name="return_url" value="{{returnURL}}">
        <div class="people">
        {{#people}}<button class="person" type="submit" name="user" value="{{id}}"><span class="face" aria-hidden="true">\
        {{initial}}</span><b>{{fullName}}</b><i>{{about}}</i></button>
        {{/people}}</div>
        {{#hasFaults}}<details><summary>Send an invalid token instead</summary>
        <fieldset><label><input type="radio" name="fault" value="" checked> nothing wrong</label>
        {{#faults}}<label><input type="radio" name="fault" value="{{id}}"> {{label}}</label>
        {{/faults}}</fieldset></details>
        {{/hasFaults}}</form>
        """
}
