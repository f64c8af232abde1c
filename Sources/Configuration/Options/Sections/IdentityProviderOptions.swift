// SPDX-License-Identifier: Apache-2.0

import Gate

/// `identityProvider`
enum IdentityProviderOptions {
    static let preset = Option<Preset>(
        "identityProvider.preset", .choice(of: Preset.served, name: \.name), default: "generic",
        "A set of defaults for an identity provider; every one of them can be overridden.")
    static let loginURL = Option<TextTemplate?>(
        "identityProvider.loginURL", .urlTemplate(["returnURL", "returnTo", "state", "apiKey", "jwtApp"]),
        "Where a browser without a session goes. Placeholders, percent-encoded when expanded: {returnURL} is this gate's"
            + " return path, {returnTo} the page first asked for, {state} the sealed login attempt, {apiKey} and {jwtApp}"
            + " the options of these names."
    ).required()
    static let apiKey = Option<String>(
        "identityProvider.apiKey", .text(.oneLine), default: "\"\"",
        "The value of {apiKey} in `loginURL`; preset loginradius: the API key of the LoginRadius app.")
    static let jwtApp = Option<String>(
        "identityProvider.jwtApp", .text(.oneLine), default: "\"\"",
        "The value of {jwtApp} in `loginURL`; preset loginradius: the App Name of the JWT app in its dashboard.")
    static let appName = Option<String>(
        "identityProvider.appName", .text(.label), default: "\"\"",
        "Preset loginradius: the name of the LoginRadius app; `token.issuer` is then"
            + " https://APPNAME.hub.loginradius.com/ unless it is set.")
    static let logoutURL = Option<TextTemplate?>(
        "identityProvider.logoutURL", .urlTemplate(["returnTo", "logoutToken", "email"]), default: "\"\"",
        "Where the browser goes after logout here. Placeholders: {returnTo} {email}, and {logoutToken}, which is signed"
            + " with the first shared secret of `token.keys` and valid for a minute. Empty: a signed-out page.")
    static let logoutTokenParameter = Option<String?>(
        "identityProvider.logoutTokenParameter", .textOrNone(.parameterNameOrNone), default: "\"\"",
        "When set, and `logoutURL` has no {logoutToken}, it is appended there as a query parameter of this name.")
    static let returnToParameter = Option<String?>(
        "identityProvider.returnToParameter", .textOrNone(.parameterNameOrNone), default: "\"\"",
        "When set, and `loginURL` has no {returnTo}, it is appended there as a query parameter of this name.")
    static let tokenParameter = Option<String>(
        "identityProvider.tokenParameter", .text(.parameterName), default: "jwt",
        "The query parameter, and the form field of a POST, that carries the token.")
    static let returnPath = Option<String>(
        "identityProvider.returnPath", .text(.requestPath), default: "/.sidegate/callback",
        "Where the identity provider sends the browser back.")
    static let initiated = Option<InitiatedPolicy>(
        "identityProvider.initiated", .choice, default: "confirm",
        "A login that the user did not start here: accept it, ask the user for confirmation, or refuse it.")
    static let requiresState = Option<Bool>(
        "identityProvider.requireState", .boolean, default: "false",
        "Refuse every return without the `state` of a login that this browser started, whatever `initiated` says. For"
            + " providers that send it back, from the return URL or from {state} in `loginURL`.")

    static let rows =
        OptionRow.of(
            preset, loginURL, apiKey, jwtApp, appName, logoutURL, logoutTokenParameter, returnToParameter,
            tokenParameter,
            returnPath, initiated, requiresState) + OpenIDOptions.rows
}
