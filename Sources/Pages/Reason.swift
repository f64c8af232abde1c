// SPDX-License-Identifier: Apache-2.0

/// The words for one reason code: what a person reads on a page, and what the operator reads in the documentation.
package struct Reason: Equatable, Sendable {
    /// Stable, as in logs and metrics, such as `expired`.
    package let code: String
    /// A heading, without a full stop.
    package let title: String
    /// What happened, in plain words.
    package let happened: String
    /// What the person in front of the page can do.
    package let advice: String
    /// What whoever runs the site or the identity provider looks at.
    package let fix: String

    /// The words for `code`; general ones for a code that is not in the table.
    package static func of(_ code: String) -> Reason {
        byCode[code] ?? general(code)
    }

    /// All codes, in the order of the documentation.
    package static let all: [Reason] = tokenReasons + timeReasons + peopleReasons + sessionReasons + requestReasons

    private static let byCode: [String: Reason] =
        Dictionary(all.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })

    private static func general(_ code: String) -> Reason {
        Reason(
            code: code, title: "Sign-in did not work",
            happened: "The sign-in could not be completed.",
            advice: "Please try again. If it keeps failing, pass the code and the request ID on to your administrator.",
            fix: "Look up the request ID in the log.")
    }
}

extension Reason {
    private static let again = "Please try again. If it keeps failing, tell your administrator the code below."
    private static let cannotHelp = "Trying again will hardly help. Tell your administrator the code below."

    private static let tokenReasons: [Reason] = [
        Reason(
            code: "token_missing", title: "Sign-in came back empty",
            happened: "The identity provider sent you back without a sign-in token.",
            advice: "Please start again from the page you wanted to see.",
            fix:
                "Compare identityProvider.tokenParameter with the parameter the provider uses, and see that nothing on "
                + "the way (a redirect, a cache) cuts the query off."),
        Reason(
            code: "token_too_large", title: "The sign-in token is too large",
            happened: "The identity provider sent a sign-in token that is larger than 16 KiB.",
            advice: cannotHelp,
            fix: "Have the provider put less into the token; long lists of groups are the usual cause."),
        Reason(
            code: "token_malformed", title: "The sign-in token is damaged",
            happened: "What the identity provider sent is not a well-formed sign-in token, or it came more than once.",
            advice: again,
            fix: "The token must be a compact JWS: three parts of unpadded base64url with dots between, given once. "
                + "`sidegate explain` shows where it breaks; often the provider pads, or encodes the URL twice."),
        Reason(
            code: "header_malformed", title: "The sign-in token is damaged",
            happened: "The first part of the sign-in token, its header, cannot be read.",
            advice: again,
            fix: "The header must be a UTF-8 JSON object with \"alg\" and without duplicate names. For providers that "
                + "spell names differently set token.headerAliases."),
        Reason(
            code: "claims_malformed", title: "The sign-in token is damaged",
            happened: "The second part of the sign-in token, its statements about you, cannot be read.",
            advice: again,
            fix:
                "The claims must be a UTF-8 JSON object without duplicate names, and its times must be numbers, not text. "
                + "A logout token signs nobody in."
        ),
        Reason(
            code: "algorithm_not_allowed", title: "The sign-in token is signed in an unexpected way",
            happened: "The sign-in token uses a signature algorithm that this site does not accept.",
            advice: cannotHelp,
            fix:
                "Make the provider sign with one of token.algorithms, or add its algorithm there if you mean to accept it."
        ),
        Reason(
            code: "algorithm_missing", title: "The sign-in token does not say how it is signed",
            happened: "The sign-in token names no signature algorithm.",
            advice: cannotHelp,
            fix:
                "The token's header must hold \"alg\". For providers that spell it differently set token.headerAliases."
        ),
        Reason(
            code: "critical_header_unsupported", title: "The sign-in token asks for something unknown",
            happened: "The sign-in token demands an extension (\"crit\") that this site does not know.",
            advice: cannotHelp,
            fix: "Turn the extension off at the provider; no critical header is supported."),
        Reason(
            code: "key_not_found", title: "The sign-in token cannot be checked",
            happened: "This site has no key that matches the one the sign-in token was signed with.",
            advice: again,
            fix:
                "Compare the token's \"kid\" and \"alg\" with token.keys. After the provider changed its keys, update "
                + "the key file or key set."),
        Reason(
            code: "signature_invalid", title: "The sign-in token is not genuine",
            happened: "The signature of the sign-in token does not match.",
            advice: again,
            fix:
                "Both sides must hold the same secret (or the matching key pair). Check token.keys: secretEncoding, a "
                + "stray space or newline, and the right environment (test or live)."),
    ]

    private static let timeReasons: [Reason] = [
        Reason(
            code: "expired", title: "This sign-in has expired",
            happened: "The sign-in token was valid for a short time only, and that time is over.",
            advice: "Please try again. A page left open for long, or an old link, is the usual cause.",
            fix:
                "If it happens at once, compare the clocks of this machine and of the provider; token.clockSkew allows "
                + "for small differences."),
        Reason(
            code: "not_yet_valid", title: "This sign-in is not valid yet",
            happened: "The sign-in token says that it becomes valid only later.",
            advice: "Please wait a minute and try again.",
            fix:
                "The clock of this machine is behind the provider's (\"nbf\"). Synchronise both, or raise token.clockSkew."
        ),
        Reason(
            code: "issued_in_future", title: "This sign-in comes from the future",
            happened: "The sign-in token says that it was made later than now, by this site's clock.",
            advice: "Please wait a minute and try again.",
            fix:
                "The clock of this machine is behind the provider's (\"iat\"). Synchronise both, or raise token.clockSkew."
        ),
        Reason(
            code: "too_old", title: "This sign-in is too old",
            happened: "The sign-in token was made longer ago than this site accepts.",
            advice: "Please try again, and start from the page you wanted to see.",
            fix:
                "token.maxAge counts from \"iat\". Compare the clocks, or raise it if the provider is slow to redirect."
        ),
        Reason(
            code: "expiry_missing", title: "The sign-in token has no end",
            happened: "The sign-in token does not say when it expires, and this site requires it.",
            advice: cannotHelp,
            fix: "Have the provider add \"exp\", or set token.requireExpiry to false and rely on token.maxAge."),
        Reason(
            code: "issued_at_missing", title: "The sign-in token has no time",
            happened: "The sign-in token does not say when it was made.",
            advice: cannotHelp,
            fix:
                "Without \"exp\" the token needs \"iat\". For providers that spell it differently set token.claimAliases."
        ),
        Reason(
            code: "issuer_mismatch", title: "The sign-in comes from somewhere else",
            happened: "The sign-in token was issued by another identity provider than the one this site trusts.",
            advice: cannotHelp,
            fix: "token.issuer must equal the token's \"iss\" exactly, to the last slash."),
        Reason(
            code: "audience_mismatch", title: "The sign-in is meant for another site",
            happened: "The sign-in token was made for another application.",
            advice: "Please start again from the page you wanted to see.",
            fix:
                "List the token's \"aud\" in token.audience. A token that names an audience is refused while that list is "
                + "empty."),
        Reason(
            code: "id_missing", title: "The sign-in token has no number",
            happened: "The sign-in token lacks the unique number that this site requires.",
            advice: cannotHelp,
            fix: "Have the provider add \"jti\", or set token.minimumIDLength to 0."),
        Reason(
            code: "id_too_short", title: "The sign-in token's number is too short",
            happened: "The unique number of the sign-in token is shorter than this site requires.",
            advice: cannotHelp,
            fix: "Have the provider use a longer \"jti\", or lower token.minimumIDLength."),
        Reason(
            code: "replayed", title: "This sign-in was used already",
            happened: "Each sign-in token works once, and this one has been used.",
            advice: "Please try again. Going back in the browser, or reloading, is the usual cause.",
            fix:
                "Seen for many users at once: something on the way (a scanner of links, a proxy) opens the return URL "
                + "before the browser does."),
        Reason(
            code: "replay_store_unavailable", title: "Sign-in is not possible just now",
            happened: "This site could not check whether the sign-in token was used before, so it accepts none.",
            advice: "Please try again in a minute.",
            fix: "The shared store is out of reach; replay.onFailure decides what happens then."),
    ]

    private static let peopleReasons: [Reason] = [
        Reason(
            code: "field_missing", title: "Something about your account is missing",
            happened: "The identity provider did not send a detail about your account that this site needs.",
            advice: "Ask your administrator to complete your account, for example its e-mail address.",
            fix: "Every field of token.required must come from one of its claims in token.claims."),
        Reason(
            code: "field_invalid", title: "Something about your account cannot be used",
            happened: "A detail about your account has a form that this site cannot accept.",
            advice: "Ask your administrator to check your account, for example its e-mail address.",
            fix: "An e-mail address has exactly one @; no field may hold control characters."),
        Reason(
            code: "user_not_registered", title: "Your account is not registered here",
            happened: "You are signed in, but this site does not know your account.",
            advice: "Use another account, or ask your administrator to register this one.",
            fix: "Add the address to access.users (emails, emailsFile, emailDomains or groups)."),
        Reason(
            code: "site_not_granted", title: "Your account has no access to this site",
            happened: "You are signed in, but your account is not granted to this site.",
            advice: "Use another account, or ask your administrator for access.",
            fix: "The token's sites must hold access.site."),
        Reason(
            code: "guest_refused", title: "Guests cannot come in here",
            happened: "Your account is not registered here, and your sign-in says that you do not come as a guest.",
            advice: "Use another account, or ask your administrator to register this one.",
            fix:
                "The token's \"guest\" is false and access.users does not hold the account; register it, or have the "
                + "provider send guest as true."),
        Reason(
            code: "group_missing", title: "This page is for another group",
            happened: "You are signed in, but your account is not in a group that may see this page.",
            advice: "Use another account, or ask your administrator to add you to the group.",
            fix:
                "The setting access.users.groups or a rule of access.rules requires a group; see which ones the token carries with "
                + "`sidegate explain`."),
        Reason(
            code: "rule_denied", title: "You may not see this page",
            happened: "The rules of this site do not allow this page for your account.",
            advice: "Use another account, or ask your administrator for access.",
            fix: "A rule of access.rules denies the path, or requires a field the account does not have."),
        Reason(
            code: "seat_limit_reached", title: "No seat is left",
            happened: "All seats that this application has are taken, so no new account can be added.",
            advice: "Ask your administrator to free a seat or to add one, then try again.",
            fix: "The application answered the request of provisioning.url with 402, 403 or 409."),
        Reason(
            code: "provisioning_failed", title: "Your account could not be set up",
            happened: "The application did not confirm your account, so you were not let in.",
            advice: "Please try again in a minute.",
            fix: "provisioning.url did not answer with success; its answer is in the log."),
    ]

    private static let requestReasons: [Reason] = [
        Reason(
            code: "path_unreadable", title: "The address cannot be read",
            happened: "The address of this page can be understood in more than one way, so it was not passed on.",
            advice: "Check the address, or start from the front page. If a link led here, tell your administrator.",
            fix:
                "The path has a dot segment or begins with two slashes, perhaps encoded, or holds an encoding that servers "
                + "read differently. Have the client send the resolved path; `sidegate explain --request` says what is wrong."
        )
    ]

    private static let sessionReasons: [Reason] = [
        Reason(
            code: "login_state_missing", title: "This sign-in was not started here",
            happened:
                "Your browser brought a sign-in that it did not start here, or it has lost the cookie of its start.",
            advice: "Please start again from the page you wanted to see, and allow cookies for this site.",
            fix:
                "identityProvider.initiated says what happens to sign-ins that start at the provider. Otherwise look for "
                + "another host name, http in place of https, or blocked cookies."),
        Reason(
            code: "login_state_expired", title: "The sign-in took too long",
            happened: "More than ten minutes passed between the start of the sign-in and its end.",
            advice: "Please try again.",
            fix:
                "Nothing, unless it happens at once: then replicas hold different session secrets, or the clock jumps."),
        Reason(
            code: "return_url_refused", title: "That address is not on this site",
            happened: "The sign-in was asked to lead to an address outside this site.",
            advice: "Please start again from the page you wanted to see.",
            fix: "return_to must be a path of this site, or a URL on its host or under session.domain."),
        Reason(
            code: "session_expired", title: "Your session has ended",
            happened: "You were signed in for as long as this site allows at a stretch.",
            advice: "Please sign in again.",
            fix: "session.lifetime sets how long that is."),
        Reason(
            code: "session_idle", title: "Your session has ended",
            happened: "You were signed out because nothing happened for a while.",
            advice: "Please sign in again.",
            fix: "session.idleTimeout sets how long that is."),
        Reason(
            code: "session_revoked", title: "You were signed out",
            happened: "Your session was ended, by a logout elsewhere or by an administrator.",
            advice: "Please sign in again.",
            fix: "The provider sent a back-channel logout, or the session was removed from the store."),
        Reason(
            code: "session_invalid", title: "Your session is not valid here",
            happened: "The session cookie of your browser could not be opened.",
            advice: "Please sign in again.",
            fix: "The session secret changed without keeping the old one in session.secrets, replicas hold different "
                + "secrets, or the cookie was tampered with."),
        Reason(
            code: "identity_header_spoofed", title: "This request was not let through",
            happened: "The request had a header that an application could take for a statement about who you are.",
            advice: "No browser sends such a header. If an extension or a script adds it, switch that off.",
            fix:
                "A header whose name is another spelling of an identity header, such as X_Forwarded_User, came with a "
                + "proxy's question. Let the proxy drop such names, and look in its log for the client."),
    ]
}
