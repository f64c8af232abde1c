// SPDX-License-Identifier: Apache-2.0

/// The templates of the pages. A template in `pages.directory` with the same name replaces one of these, and can
/// include the others.
package enum BuiltInTemplates {
    /// The templates that are pages.
    package static let pages = [
        "redirecting": redirecting, "error": error, "choose": choose, "confirm": confirm, "signed-out": signedOut,
        "no-seat": noSeat, "frame": frame, "continue": next, "form": form,
        "form-signed-in": formSignedIn,
    ]

    /// The templates that pages include.
    package static let parts = [
        "head": head, "foot": foot, "style": PageStyle.sheet, "kept-form": keptForm,
        "script": "{{#keepsFragment}}<script>" + PageScript.text + "</script>\n{{/keepsFragment}}",
        "icon-key": icon(#"<circle cx="8" cy="15" r="4"/><path d="m11 12 8-8m-3 3 3 3m-6 0 2 2"/>"#),
        "icon-lock": icon(#"<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>"#),
        "icon-warn": icon(#"<path d="M12 4 3 19.5h18zM12 10v4m0 2.75v.01"/>"#),
        "icon-stop": icon(#"<circle cx="12" cy="12" r="9"/><path d="m5.8 5.8 12.4 12.4"/>"#),
        "icon-check": icon(#"<path d="m5 12.5 4.5 4.5L19 7.5"/>"#),
        "icon-loop": icon(#"<path d="M4 11a8 8 0 0 1 14-4.5L20 9m0-5v5h-5m5 4a8 8 0 0 1-14 4.5L4 15m0 5v-5h5"/>"#),
        "icon-down": icon(
            #"<path d="M7 18.5a4.5 4.5 0 0 1-.6-8.96 6 6 0 0 1 11.4 1.2A4 4 0 0 1 17.5 18.5M10 14l4 4m0-4-4 4"/>"#),
        "icon-seat": icon(#"<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>"#),
        "icon-form": icon(#"<path d="M6 3.5h8l4 4v13H6zM14 3.5v4h4M9 12h6m-6 4h6"/>"#),
        "icon-out": icon(#"<path d="M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4m5-4 4-4-4-4m4 4H10"/>"#),
    ]

    /// Every name that a value can have on some page.
    package static let names: Set<String> = [
        "brand", "title", "message", "advice", "fix", "status", "code", "requestID", "time", "account", "causes",
        "url", "tryAgainURL", "switchAccountURL", "signInURL", "actionURL", "cancelURL", "fields", "name", "value",
        "choices", "label", "isLast", "attempt", "keepsFragment", "isLeaving", "isArriving", "isTooLong",
        "isRefused", "isNotAllowed", "isLoginLoop", "isUpstreamDown", "isSignIn", "isSignOut", "hasCauses",
        "hasActions", "language", "direction", "continueLabel", "codeLabel", "statusLabel", "requestIDLabel",
        "timeLabel",
        "accountLabel", "switchAccountLabel", "tryAgainLabel", "fixLabel", "signInLabel", "confirmLabel", "cancelLabel",
        "formURL", "formEncoding", "formCharset", "formFields", "fieldName", "fieldValue",
        "isEmptyFile", "isCharset", "isKept", "isLost", "isOtherAccount", "isSignedIn", "currentAccount",
        "sendLabel", "currentAccountLabel",
    ]

    private static let head = """
        <!doctype html>
        <html lang="{{language}}" dir="{{direction}}">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f3f4f7">
        <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#0d0f13">
        <title>{{title}}{{#brand}} – {{brand}}{{/brand}}</title>
        <style>{{> style}}</style>
        </head>
        <body>
        <main>
        {{#brand}}<p class="brand"><bdi>{{brand}}</bdi></p>
        {{/brand}}<div class="card">

        """

    private static let foot = """
        {{#requestID}}<dl class="facts">
        {{#code}}<dt>{{codeLabel}}</dt><dd>{{code}}</dd>
        {{/code}}{{^code}}{{#status}}<dt>{{statusLabel}}</dt><dd>{{status}}</dd>
        {{/status}}{{/code}}<dt>{{requestIDLabel}}</dt><dd>{{requestID}}</dd>
        {{#time}}<dt>{{timeLabel}}</dt><dd>{{time}}</dd>
        {{/time}}</dl>
        {{/requestID}}</div>
        </main>
        </body>
        </html>

        """

    /// Only seen by clients that do not follow the redirect, so small, but never blank.
    private static let redirecting = """
        <!doctype html>
        <html lang="{{language}}" dir="{{direction}}">
        <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\
        <title>{{title}}{{#brand}} – {{brand}}{{/brand}}</title><style>\(PageStyle.small)</style></head>
        <body><main><h1>{{title}}</h1><p>{{message}}</p>{{#url}}<p><a href="{{url}}">{{continueLabel}}</a></p>{{/url}}</main></body>
        </html>

        """

    private static let error = """
        {{> head}}{{#isRefused}}<div class="icon bad">{{> icon-key}}</div>
        {{/isRefused}}{{#isNotAllowed}}<div class="icon warn">{{> icon-lock}}</div>
        {{/isNotAllowed}}{{#isLoginLoop}}<div class="icon warn">{{> icon-loop}}</div>
        {{/isLoginLoop}}{{#isUpstreamDown}}<div class="icon warn">{{> icon-down}}</div>
        {{/isUpstreamDown}}{{^isRefused}}{{^isNotAllowed}}{{^isLoginLoop}}{{^isUpstreamDown}}\
        <div class="icon bad">{{> icon-warn}}</div>
        {{/isUpstreamDown}}{{/isLoginLoop}}{{/isNotAllowed}}{{/isRefused}}<h1>{{title}}</h1>
        <p>{{message}}</p>
        {{#account}}<p class="account"><small>{{accountLabel}}</small><bdi>{{account}}</bdi></p>
        {{/account}}{{#hasCauses}}<ol>
        {{#causes}}<li>{{.}}</li>
        {{/causes}}</ol>
        {{/hasCauses}}{{#advice}}<p class="soft">{{advice}}</p>
        {{/advice}}{{#hasActions}}<div class="actions">
        {{#switchAccountURL}}<a class="button" href="{{switchAccountURL}}">{{switchAccountLabel}}</a>
        {{/switchAccountURL}}{{#tryAgainURL}}<a class="button" href="{{tryAgainURL}}">{{tryAgainLabel}}</a>
        {{/tryAgainURL}}</div>
        {{/hasActions}}{{#fix}}<details><summary>{{fixLabel}}</summary><p>{{fix}}</p></details>
        {{/fix}}{{> foot}}
        """

    private static let choose = """
        {{> head}}<div class="icon">{{> icon-key}}</div>
        <h1>{{title}}</h1>
        <p>{{message}}</p>
        <div class="actions">
        {{#choices}}<a class="button{{^isLast}} plain{{/isLast}}" href="{{url}}"\
        {{#keepsFragment}} data-fragment="carry"{{/keepsFragment}}><bdi>{{label}}</bdi></a>
        {{/choices}}</div>
        {{> script}}{{> foot}}
        """

    /// Any site may show it in a frame: nothing but a link that leaves the frame.
    private static let frame = """
        {{> head}}<div class="icon">{{> icon-key}}</div>
        <h1>{{title}}</h1>
        <p>{{message}}</p>
        <p class="soft">{{advice}}</p>
        <div class="actions"><a class="button" href="{{signInURL}}" target="_top">{{signInLabel}}</a></div>
        {{> foot}}
        """

    /// Before the way to a provider, and after the way back.
    private static let next = """
        {{> head}}<div class="icon{{^isLeaving}} good{{/isLeaving}}">{{#isLeaving}}{{> icon-key}}{{/isLeaving}}\
        {{^isLeaving}}{{> icon-check}}{{/isLeaving}}</div>
        <h1>{{title}}</h1>
        <p>{{message}}</p>
        {{#advice}}<p class="soft">{{advice}}</p>
        {{/advice}}<div class="actions"><a class="button" href="{{url}}"\
        {{#isLeaving}} data-fragment="keep"{{/isLeaving}}{{#isArriving}} data-fragment="restore"{{/isArriving}}\
        {{#attempt}} data-attempt="{{attempt}}"{{/attempt}}>{{continueLabel}}</a></div>
        {{> script}}{{> foot}}
        """

    private static let confirm = """
        {{> head}}<div class="icon">{{#isSignIn}}{{> icon-key}}{{/isSignIn}}{{#isSignOut}}{{> icon-out}}{{/isSignOut}}</div>
        <h1>{{title}}</h1>
        <p>{{message}}</p>
        {{#account}}<p class="account"><small>{{accountLabel}}</small><bdi>{{account}}</bdi></p>
        {{/account}}{{#advice}}<p class="soft">{{advice}}</p>
        {{/advice}}<form method="post" action="{{actionURL}}">
        {{#fields}}<input type="hidden" name="{{name}}" value="{{value}}">
        {{/fields}}<div class="actions">
        <button class="button" type="submit">{{confirmLabel}}</button>
        {{#cancelURL}}<a class="button plain" href="{{cancelURL}}">{{cancelLabel}}</a>
        {{/cancelURL}}</div>
        </form>
        {{> foot}}
        """

    private static let signedOut = """
        {{> head}}<div class="icon good">{{> icon-check}}</div>
        <h1>{{title}}</h1>
        <p>{{message}}</p>
        {{#advice}}<p class="soft">{{advice}}</p>
        {{/advice}}{{#signInURL}}<div class="actions"><a class="button" href="{{signInURL}}">{{signInLabel}}</a></div>
        {{/signInURL}}{{> foot}}
        """

    private static let noSeat = """
        {{> head}}<div class="icon warn">{{> icon-seat}}</div>
        <h1>{{title}}</h1>
        <p>{{message}}</p>
        {{#account}}<p class="account"><small>{{accountLabel}}</small><bdi>{{account}}</bdi></p>
        {{/account}}{{#advice}}<p class="soft">{{advice}}</p>
        {{/advice}}{{#tryAgainURL}}<div class="actions"><a class="button" href="{{tryAgainURL}}">{{tryAgainLabel}}</a></div>
        {{/tryAgainURL}}{{#fix}}<details><summary>{{fixLabel}}</summary><p>{{fix}}</p></details>
        {{/fix}}{{> foot}}
        """

    /// The form without a button: one anywhere on the page sends it by `form="kept-form"`. A browser overwrites a hidden
    /// field named `_charset_`, so that one is a list with one choice.
    private static let keptForm = """
        <form id="kept-form" method="post" action="{{formURL}}" enctype="{{formEncoding}}" \
        accept-charset="{{formCharset}}" autocomplete="off">
        {{#formFields}}{{#isEmptyFile}}<input type="file" name="{{fieldName}}" hidden>{{/isEmptyFile}}{{^isEmptyFile}}\
        {{#isCharset}}<select name="{{fieldName}}" hidden><option value="{{fieldValue}}" selected></option></select>\
        {{/isCharset}}{{^isCharset}}<input type="hidden" name="{{fieldName}}" value="{{fieldValue}}">{{/isCharset}}\
        {{/isEmptyFile}}
        {{/formFields}}</form>

        """

    private static let form = """
        {{> head}}<div class="icon{{#isLost}} bad{{/isLost}}{{#isOtherAccount}} warn{{/isOtherAccount}}">\
        {{#isLost}}{{> icon-warn}}{{/isLost}}{{^isLost}}{{> icon-form}}{{/isLost}}</div>
        <h1>{{title}}</h1>
        <p>{{message}}</p>
        {{#account}}<p class="account"><small>{{accountLabel}}</small><bdi>{{account}}</bdi></p>
        {{/account}}{{#currentAccount}}<p class="account"><small>{{currentAccountLabel}}</small>\
        <bdi>{{currentAccount}}</bdi></p>
        {{/currentAccount}}{{#advice}}<p class="soft">{{advice}}</p>
        {{/advice}}{{^isLost}}{{> kept-form}}{{/isLost}}<div class="actions">
        {{#signInURL}}<a class="button" href="{{signInURL}}" target="_blank" rel="noopener">{{signInLabel}}</a>
        {{/signInURL}}{{^isLost}}<button class="button{{#isKept}} plain{{/isKept}}" type="submit" form="kept-form">\
        {{sendLabel}}</button>
        {{/isLost}}{{#switchAccountURL}}<a class="button plain" href="{{switchAccountURL}}" target="_blank" rel="noopener">\
        {{switchAccountLabel}}</a>
        {{/switchAccountURL}}</div>
        {{> foot}}
        """

    private static let formSignedIn = """
        {{> head}}<div class="icon{{#isSignedIn}} good{{/isSignedIn}}">{{#isSignedIn}}{{> icon-check}}{{/isSignedIn}}\
        {{^isSignedIn}}{{> icon-key}}{{/isSignedIn}}</div>
        <h1>{{title}}</h1>
        <p>{{message}}</p>
        {{#account}}<p class="account"><small>{{accountLabel}}</small><bdi>{{account}}</bdi></p>
        {{/account}}{{#signInURL}}<div class="actions"><a class="button" href="{{signInURL}}">{{signInLabel}}</a></div>
        {{/signInURL}}{{> foot}}
        """

    private static func icon(_ shape: String) -> String {
        #"<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">"# + shape + "</svg>"
    }
}
