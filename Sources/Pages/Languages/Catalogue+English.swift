// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Catalogue {
    static let english = Catalogue(
        phrases: [
            .continueLabel: "Continue", .codeLabel: "Code", .statusLabel: "Status", .requestIDLabel: "Request ID",
            .timeLabel: "Time", .signedInAsLabel: "Signed in as", .accountLabel: "Account",
            .switchAccountLabel: "Use another account", .tryAgainLabel: "Try again",
            .fixLabel: "For the administrator",

            .redirectingTitle: "One moment",
            .redirecting: "You are being redirected. If nothing happens, use the link.",
            .chooseTitle: "Sign in",
            .choose: "Choose how you want to sign in.",
            .signedOutTitle: "You are signed out",
            .signedOut: "Your session here has ended. You can close this page.",
            .signedOutAdvice: "On a shared device, sign out at your identity provider as well.",
            .signInAgainLabel: "Sign in again",
            .confirmSignInTitle: "Is this you?",
            .confirmSignIn: "A sign-in with this account was started elsewhere, not from this page.",
            .confirmSignInAdvice: "Continue only if you started it and the account is yours.",
            .confirmSignInLabel: "Yes, sign me in",
            .cancelSignInLabel: "No, this is not me",
            .returnedElsewhereTitle: "The sign-in came back to another address",
            .confirmSignOutTitle: "Sign out?",
            .confirmSignOut: "Your session here will end. Unsaved work may be lost.",
            .confirmSignOutLabel: "Sign out",
            .cancelSignOutLabel: "Stay signed in",
            .loginLoopTitle: "Sign-in keeps repeating",
            .loginLoop:
                "You were signed in several times within seconds, but each time the session was lost. The likely causes are:",
            .loopByCookies: "Your browser blocks cookies for this site. Allow them, also in private windows.",
            .loopByScheme:
                "The address begins with http:// where the site expects https://, so the browser drops its secure cookie.",
            .loopByHost: "The site is reached under more than one host name, and the cookie belongs to another one.",
            .loopByClock: "The clock of this device or of the server is wrong.",
            .loopBySecrets: "The servers of this site use different session secrets.",
            .upstreamDownAdvice: "Please try again in a moment.",

            .sessionEndedTitle: "Your session has ended",
            .notSignedInTitle: "You are not signed in",
            .formKept:
                "What you entered has not been sent yet. It is kept on this page. Sign in in another tab, then come back here and send it.",
            .formKeptAdvice: "Keep this page open until then.",
            .signedInBeforeLabel: "Signed in until now", .signInLabel: "Sign in", .sendFormLabel: "Send",
            .formOfOtherTitle: "Send it with another account?",
            .formOfOther:
                "This form was filled in with one account, and you are signed in with another. It has not been sent yet.",
            .filledInLabel: "Filled in with", .signedInNowLabel: "Signed in now", .sendFormAsLabel: "Send as {account}",
            .formLost: "What you entered was not sent.",
            .formLostAdvice:
                "Sign in in another tab, then go back in this one: most browsers still show what you entered there.",
            .formLostOff: "This site does not keep forms.",
            .formLostOtherSite: "It could not be kept, because it did not come from a page of this site.",
            .formLostType: "It could not be kept, because it is not an ordinary form.",
            .formLostFiles: "It could not be kept, because it holds files.",
            .formLostSize: "It could not be kept, because it is too large.",
            .formLostCount: "It could not be kept, because it has too many fields.",
            .formLostRoom: "It could not be kept, because the server is busy.",
            .formLostUnsendable:
                "It could not be kept, because your browser could not send it again unchanged.",
            .formLostAddress: "It could not be kept, because the address of the form is too long.",
            .signedInTitle: "You are signed in",
            .signedInForForm: "Go back to the other tab and send your form. You can close this one.",
            .notSignedInForForm: "Sign in, then go back to the other tab and send your form.",

            .frameTitle: "Please sign in",
            .frame: "This part of the page needs you to sign in, which works in the whole window only.",
            .frameAdvice: "If the button does nothing, open this site in a tab of its own.",
            .leaving: "You are being taken to the sign-in page. If nothing happens, use the button.",
            .arriving: "You are being taken to your page. If nothing happens, use the button.",
            .linkTooLong:
                "The address of the page that you wanted to see is too long to be remembered while you sign in.",
            .linkTooLongAdvice: "Open the link again: now it leads to the page. Or go on to the start page.",

            .otherRefusalTitle: "The request was refused",
            .otherRefusal: "The request could not be processed.",
            .otherFailureTitle: "Something went wrong",
            .otherFailure: "The request could not be processed. Please try again.",
            .otherReasonTitle: "Sign-in did not work",
            .otherReason: "The sign-in could not be completed.",
            .otherReasonAdvice:
                "Please try again. If it keeps failing, pass the code and the request ID on to your administrator.",
            .otherReasonFix: "Look up the request ID in the log.",

            .returnPathMismatch: "It sent you to {path}; sign-ins are accepted at {expected}.",
            .tokenInPath:
                "It appended its token with & to {path}, which has no query, so the token became part of the path; sign-ins are accepted at {expected}.",
            .tokenInPathFix:
                "Have the provider append the token with ? where the return address has no query. If it cannot, enter the return address there with a question mark at its end.",
            .or: "or",
            .wrongUnitTitle: "The sign-in token counts time in {unit}",
            .wrongUnit:
                "The time \"{claim}\" of the sign-in token is in {unit}, but tokens count seconds, so it is far in the future.",
            .wrongUnitAdvice: "Trying again will not help. Tell your administrator the code below.",
            .wrongUnitFix: "Have the provider send whole seconds since 1970.",
            .wrongUnitFixByScript:
                "Have the provider divide its times by 1000; in JavaScript, Math.floor(Date.now() / 1000).",
            .milliseconds: "milliseconds", .microseconds: "microseconds", .nanoseconds: "nanoseconds",
            .fieldMissing: "The field {field} is missing.",
            .fieldMissingInClaims: "The field {field} is missing (claims: {claims}).",
            .emailUnverified:
                "The claim email does not count, since email_verified is not true (token.acceptUnverifiedEmail).",
            .fieldNotText: "The field {field} is neither a text nor a list of texts.",
            .fieldValueCount: "The field {field} has {count} values; at most {limit} are accepted.",
            .fieldSingleValue: "The field {field} has {count} values; one is accepted.",
            .fieldValueLength: "The field {field} has a value of {count} bytes; at most {limit} are accepted.",
            .fieldControlCharacter: "The field {field} has a control character.",
            .fieldBlankEnd: "The field {field} has white space at its beginning or end.",
            .fieldWithoutSingleAt: "The field {field} does not have exactly one @.",
            .fieldNotPlainEmail: "The field {field} is not one plain e-mail address.",
            .fieldTotal: "The field {field} makes all fields together {count} bytes; at most {limit} are accepted.",
            .sessionTooLarge:
                "The session does not fit the {limit} cookies that it may have; its largest field is {field}, with {count} bytes.",
            .fieldAdvice: "Trying again will not help. Ask your administrator to correct your account.",
            .returnedElsewhere:
                "The identity provider sent you back to {actual}, but the address of this site is {expected}; the cookie from the start of the sign-in exists only there.",
            .providerErrorCode: "Its error code is {code}.",
            .providerSentNothing: "It sent neither a code nor an error.",
            .otherResponseMode: "It sent its response {actual}; this site takes it {expected}.",
            .responseInURL: "in the URL",
            .responseInForm: "in a form",
            .openIDStateFix:
                "With OpenID Connect a sign-in begins at the application: have links in portals lead to publicURL. Otherwise look for another host name, http in place of https, or blocked cookies.",
            .openIDResponseFix:
                "Allow the client the authorization code flow at the provider. It must send its response as identityProvider.responseMode says.",
            .openIDTokenFix:
                "The response must have no parameter twice, and the ID token must be signed, not encrypted, with sub, iat and exp, as OpenID Connect Core 1.0 says.",
            .openIDKeyFix:
                "The key that signed the ID token must be in the key set of the provider's jwks_uri. The log names failed fetches; `sidegate doctor` tries one.",
            .openIDIssuerFix:
                "identityProvider.issuer must equal the \"iss\" of the response and of the ID token exactly, to the last slash.",
            .openIDAudienceFix:
                "identityProvider.clientID must be the client that the ID token is for (\"aud\", \"azp\").",
        ],
        statuses: [
            400: StatusWords(
                title: "The request cannot be read",
                message: "Your browser, or an intermediary, sent a malformed request."),
            401: StatusWords(title: "Please sign in", message: "This page is shown only to people who are signed in."),
            403: StatusWords(title: "Not allowed", message: "You may not see this page."),
            404: StatusWords(title: "Page not found", message: "There is no page with this address."),
            405: StatusWords(
                title: "Method not allowed", message: "This address does not accept this kind of request."),
            408: StatusWords(
                title: "The request took too long",
                message: "Your browser did not finish its request in time. Please try again."),
            411: StatusWords(
                title: "The request has no length", message: "This address requires the length of the content."),
            413: StatusWords(
                title: "The content is too large", message: "The content is larger than this site accepts."),
            414: StatusWords(
                title: "The address is too long", message: "The address of this page is longer than this site accepts."),
            417: StatusWords(
                title: "The expectation cannot be met",
                message: "Your browser expects something that this site does not support."),
            421: StatusWords(title: "Wrong server", message: "This server does not serve the requested site."),
            429: StatusWords(
                title: "Too many requests", message: "You have sent too many requests. Please try again in a moment."),
            431: StatusWords(
                title: "The request is too large",
                message:
                    "Your browser sent more fields or cookies than this site accepts. Deleting the cookies of this site may help."
            ),
            500: StatusWords(
                title: "Something went wrong",
                message: "The request failed because of an error on this site. Please try again."),
            501: StatusWords(title: "Not supported", message: "This site does not support this kind of request."),
            502: StatusWords(
                title: "The application does not answer",
                message: "You reached this site, but the application behind it gave no valid response."),
            503: StatusWords(
                title: "Not available just now",
                message: "This site is starting, stopping or full. Please try again in a moment."),
            504: StatusWords(
                title: "The application takes too long",
                message: "You reached this site, but the application behind it did not answer in time."),
            505: StatusWords(
                title: "Unsupported HTTP version",
                message: "Your browser used a version of HTTP that this site does not support."),
        ],
        reasons: [
            .tokenMissing: ReasonText(
                title: "Sign-in came back empty",
                happened: "The identity provider sent you back without a sign-in token.",
                advice: "Please start again from the page you wanted to see.",
                fix:
                    "Compare identityProvider.tokenParameter with the parameter the provider uses, and see that nothing on the way (a redirect, a cache) cuts the query off."
            ),
            .tokenTooLarge: ReasonText(
                title: "The sign-in token is too large",
                happened: "The identity provider sent a sign-in token that is larger than 16 KiB.", advice: cannotHelp,
                fix: "Have the provider put less into the token; long lists of groups are the usual cause."),
            .tokenMalformed: ReasonText(
                title: "The sign-in token is damaged",
                happened: "The identity provider sent a malformed sign-in token, or more than one.", advice: again,
                fix:
                    "The token must be a compact JWS: three parts of unpadded base64url with dots between, given once. `sidegate explain` shows where it breaks; often the provider pads, or encodes the URL twice."
            ),
            .headerMalformed: ReasonText(
                title: "The sign-in token is damaged",
                happened: "The first part of the sign-in token, its header, cannot be read.", advice: again,
                fix:
                    "The header must be a UTF-8 JSON object with \"alg\" and without duplicate names. For providers that spell names differently set token.headerAliases."
            ),
            .claimsMalformed: ReasonText(
                title: "The sign-in token is damaged",
                happened: "The second part of the sign-in token, its statements about you, cannot be read.",
                advice: again,
                fix:
                    "The claims must be a UTF-8 JSON object without duplicate names, and its times must be numbers, not text. A logout token cannot be used to sign in."
            ),
            .algorithmNotAllowed: ReasonText(
                title: "The sign-in token is signed in an unexpected way",
                happened: "The sign-in token uses a signature algorithm that this site does not accept.",
                advice: cannotHelp,
                fix:
                    "Make the provider sign with one of token.algorithms, or add its algorithm there if you mean to accept it."
            ),
            .algorithmMissing: ReasonText(
                title: "The sign-in token does not say how it is signed",
                happened: "The sign-in token names no signature algorithm.", advice: cannotHelp,
                fix:
                    "The token's header must hold \"alg\". For providers that spell it differently set token.headerAliases."
            ),
            .criticalHeaderUnsupported: ReasonText(
                title: "The sign-in token requires an unknown extension",
                happened: "The sign-in token requires an extension (\"crit\") that this site does not support.",
                advice: cannotHelp, fix: "Turn the extension off at the provider; no critical header is supported."),
            .keyNotFound: ReasonText(
                title: "The sign-in token cannot be checked",
                happened: "This site has no key that matches the one the sign-in token was signed with.", advice: again,
                fix:
                    "Compare the token's \"kid\" and \"alg\" with token.keys. After the provider changed its keys, update the key file or key set."
            ),
            .signatureInvalid: ReasonText(
                title: "The sign-in token is not genuine",
                happened: "The signature of the sign-in token does not match.", advice: again,
                fix:
                    "Both sides must hold the same secret (or the matching key pair). Check token.keys: secretEncoding, a stray space or newline, and the right environment (test or live)."
            ),
            .expired: ReasonText(
                title: "This sign-in has expired",
                happened: "The sign-in token was valid for a short time only, and has expired.",
                advice: "Please try again. A page left open for long, or an old link, is the usual cause.",
                fix:
                    "If it happens at once, compare the clocks of this machine and of the provider; token.clockSkew allows for small differences."
            ),
            .notYetValid: ReasonText(
                title: "This sign-in is not valid yet", happened: "The sign-in token is not valid yet.",
                advice: "Please wait a minute and try again.",
                fix:
                    "The clock of this machine is behind the provider's (\"nbf\"). Synchronise both, or raise token.clockSkew."
            ),
            .issuedInFuture: ReasonText(
                title: "This sign-in is dated in the future",
                happened: "According to this site's clock, the sign-in token was issued in the future.",
                advice: "Please wait a minute and try again.",
                fix:
                    "The clock of this machine is behind the provider's (\"iat\"). Synchronise both, or raise token.clockSkew."
            ),
            .tooOld: ReasonText(
                title: "This sign-in is too old",
                happened: "The sign-in token was issued longer ago than this site accepts.",
                advice: "Please try again, and start from the page you wanted to see.",
                fix:
                    "token.maxAge counts from \"iat\". Compare the clocks, or raise it if the provider is slow to redirect."
            ),
            .expiryMissing: ReasonText(
                title: "The sign-in token has no expiry time",
                happened: "The sign-in token does not say when it expires, and this site requires it.",
                advice: cannotHelp,
                fix: "Have the provider add \"exp\", or set token.requireExpiry to false and rely on token.maxAge."),
            .issuedAtMissing: ReasonText(
                title: "The sign-in token has no time of issue",
                happened: "The sign-in token does not say when it was issued.", advice: cannotHelp,
                fix:
                    "Without \"exp\" the token needs \"iat\". For providers that spell it differently set token.claimAliases."
            ),
            .issuerMismatch: ReasonText(
                title: "The sign-in comes from somewhere else",
                happened: "The sign-in token was issued by another identity provider than the one this site trusts.",
                advice: cannotHelp, fix: "token.issuer must equal the token's \"iss\" exactly, to the last slash."),
            .audienceMismatch: ReasonText(
                title: "The sign-in is meant for another site",
                happened: "The sign-in token was made for another application.",
                advice: "Please start again from the page you wanted to see.",
                fix:
                    "List the token's \"aud\" in token.audience. A token that names an audience is refused while that list is empty."
            ),
            .idMissing: ReasonText(
                title: "The sign-in token has no ID",
                happened: "The sign-in token lacks the unique ID that this site requires.", advice: cannotHelp,
                fix: "Have the provider add \"jti\", or set token.minimumIDLength to 0."),
            .idTooShort: ReasonText(
                title: "The sign-in token's ID is too short",
                happened: "The unique ID of the sign-in token is shorter than this site requires.", advice: cannotHelp,
                fix: "Have the provider use a longer \"jti\", or lower token.minimumIDLength."),
            .replayed: ReasonText(
                title: "This sign-in was used already",
                happened: "Each sign-in token works once, and this one has been used.",
                advice: "Please try again. Going back in the browser, or reloading, is the usual cause.",
                fix:
                    "Seen for many users at once: something on the way (a scanner of links, a proxy) opens the return URL before the browser does."
            ),
            .replayStoreUnavailable: ReasonText(
                title: "Sign-in is not possible at the moment",
                happened: "This site could not check whether the sign-in token was used before, so it accepts none.",
                advice: "Please try again in a minute.",
                fix: "The shared store is out of reach; replay.onFailure decides what happens then."),
            .replayStoreFull: ReasonText(
                title: "Too many sign-ins at the moment",
                happened: "This site has no room to remember that the sign-in token was used, so it accepts none.",
                advice: "Please try again in a few minutes.",
                fix:
                    "The memory of used tokens is full (replay.maxEntries). Raise it, shorten the time for which tokens are valid (\"exp\", token.maxAge), or set replay.store to redis."
            ),
            .fieldMissing: ReasonText(
                title: "Account information is missing",
                happened: "The identity provider did not send account information that this site requires.",
                advice: "Ask your administrator to complete your account, for example its e-mail address.",
                fix: "Every field of token.required must come from one of its claims in token.claims."),
            .fieldInvalid: ReasonText(
                title: "Account information is invalid",
                happened: "Your account information contains a value that this site cannot accept.",
                advice: "Ask your administrator to check your account, for example its e-mail address.",
                fix:
                    "An e-mail address has exactly one @; no field may hold control characters. A field may have 512 values of 1024 bytes (an e-mail address: 320), and all fields together 10 KiB."
            ),
            .userNotRegistered: ReasonText(
                title: "Your account is not registered here",
                happened: "You are signed in, but this site does not know your account.",
                advice: "Use another account, or ask your administrator to register this one.",
                fix: "Add the address to access.users (emails, emailsFile, emailDomains or groups)."),
            .siteNotGranted: ReasonText(
                title: "Your account has no access to this site",
                happened: "You are signed in, but your account is not granted to this site.",
                advice: "Use another account, or ask your administrator for access.",
                fix: "The token's sites must hold access.site."),
            .guestRefused: ReasonText(
                title: "Guests have no access",
                happened: "Your account is not registered here, and your sign-in does not allow access as a guest.",
                advice: "Use another account, or ask your administrator to register this one.",
                fix:
                    "The token's \"guest\" is false and access.users does not hold the account; register it, or have the provider send guest as true."
            ),
            .groupMissing: ReasonText(
                title: "This page is for another group",
                happened: "You are signed in, but your account is not in a group that may see this page.",
                advice: "Use another account, or ask your administrator to add you to the group.",
                fix:
                    "The setting access.users.groups or a rule of access.rules requires a group; see which ones the token carries with `sidegate explain`."
            ),
            .ruleDenied: ReasonText(
                title: "You may not see this page",
                happened: "The rules of this site do not allow this page for your account.",
                advice: "Use another account, or ask your administrator for access.",
                fix: "A rule of access.rules denies the path, or requires a field the account does not have."),
            .providerNotAllowed: ReasonText(
                title: "Another sign-in is needed here",
                happened: "This page is not for accounts of the identity provider that you signed in with.",
                advice: "Sign in another way, or ask your administrator for access.",
                fix:
                    "A rule of access.rules names other providers, or hosts of identityProviders does not offer this one on this host."
            ),
            .identityHeadTooLarge: ReasonText(
                title: "Your account has too much information",
                happened: "What this site would tell the application about your account is more than it takes.",
                advice: "Ask your administrator to reduce the number of groups of your account.",
                fix:
                    "The identity headers are larger than upstream.headerBytes. Send fewer groups from the provider, leave headers out of identityHeaders, or raise the limit if the application takes more."
            ),
            .seatLimitReached: ReasonText(
                title: "No free seat", happened: "All seats of this application are taken, so no account can be added.",
                advice: "Ask your administrator to free a seat or to add one, then try again.",
                fix: "The application answered the request of provisioning.url with 402, 403 or 409."),
            .provisioningFailed: ReasonText(
                title: "Your account could not be set up",
                happened: "The application did not confirm your account, so you were not signed in.",
                advice: "Please try again in a minute.",
                fix: "provisioning.url did not answer with success; its answer is in the log."),
            .loginStateMissing: ReasonText(
                title: "This sign-in was not started here",
                happened: "Your browser did not start this sign-in here, or has lost the cookie from the start of it.",
                advice: "Please start again from the page you wanted to see, and allow cookies for this site.",
                fix:
                    "identityProvider.initiated says what happens to sign-ins that start at the provider. Otherwise look for another host name, http in place of https, or blocked cookies."
            ),
            .loginStateExpired: ReasonText(
                title: "The sign-in took too long",
                happened: "More than ten minutes passed between the start of the sign-in and its end.",
                advice: "Please try again.",
                fix:
                    "Nothing, unless it happens at once: then replicas hold different session secrets, or the clock jumps."
            ),
            .returnURLRefused: ReasonText(
                title: "That address is not on this site",
                happened: "The requested return address is outside of this site.",
                advice: "Please start again from the page you wanted to see.",
                fix: "return_to must be a path of this site, or a URL on its host or under session.domain."),
            .returnPathMismatch: ReasonText(
                title: "The sign-in came back to the wrong address",
                happened:
                    "The identity provider sent you back to an address of this site at which no sign-in is accepted.",
                advice: cannotHelp,
                fix:
                    "Set the return address at the provider (redirect URL, SSO URL, ACS URL) to identityProvider.returnPath of this site, or that setting to the provider's. They must be equal, to the last slash."
            ),
            .providerError: ReasonText(
                title: "The identity provider did not sign you in",
                happened: "The identity provider sent you back with an error instead of a sign-in.",
                advice: "Please try again. If you cancelled the sign-in, nothing is wrong.",
                fix:
                    "The log holds the provider's error code. Either the user refused, or may not use this client; or the client's settings at the provider do not fit: compare scopes, response type and redirect URI."
            ),
            .providerUnavailable: ReasonText(
                title: "Sign-in is not possible at the moment",
                happened: "This site cannot reach the identity provider at the moment.",
                advice: "Please wait a minute and try again. Users who are signed in are not affected.",
                fix:
                    "The provider's discovery document or one of its endpoints cannot be fetched from here. The log says why; `sidegate doctor` tries them."
            ),
            .codeExchangeFailed: ReasonText(
                title: "The sign-in could not be completed",
                happened: "The identity provider did not accept the code that it sent you back with.", advice: again,
                fix:
                    "The log holds the provider's error code. invalid_client: compare identityProvider.clientID, the secret and clientAuthentication; invalid_grant: the code was used before, is too old, or was made for another redirect URI."
            ),
            .nonceMismatch: ReasonText(
                title: "The sign-in belongs to another attempt",
                happened: "The identity provider answered with a sign-in that was made for another attempt.",
                advice: "Please start again from the page you wanted to see.",
                fix:
                    "The ID token must hold the nonce of the request, unchanged. If it happens more than once, somebody may be replaying sign-ins of others."
            ),
            .sessionExpired: ReasonText(
                title: "Your session has ended",
                happened: "Your session has reached the maximum lifetime of this site.",
                advice: "Please sign in again.", fix: "session.lifetime sets how long that is."),
            .sessionIdle: ReasonText(
                title: "Your session has ended", happened: "You were signed out after a period of inactivity.",
                advice: "Please sign in again.", fix: "session.idleTimeout sets how long that is."),
            .sessionRevoked: ReasonText(
                title: "You were signed out",
                happened: "Your session was ended, by a logout elsewhere or by an administrator.",
                advice: "Please sign in again.",
                fix: "The provider sent a back-channel logout, or the session was removed from the store."),
            .sessionInvalid: ReasonText(
                title: "Your session is not valid here",
                happened: "The session cookie of your browser could not be opened.", advice: "Please sign in again.",
                fix:
                    "The session secret changed without keeping the old one in session.secrets, replicas hold different secrets, or the cookie was tampered with."
            ),
            .identityHeaderSpoofed: ReasonText(
                title: "This request was blocked",
                happened: "The request had a header that an application could mistake for your identity.",
                advice: "Browsers do not send such a header. If an extension or a script adds it, disable it.",
                fix:
                    "A header whose name is another spelling of an identity header, such as X_Forwarded_User, came with a proxy's question. Let the proxy drop such names, and look in its log for the client."
            ),
            .crossSiteRequest: ReasonText(
                title: "This request was blocked",
                happened: "Another site's page may have made this request with your session, so it was not forwarded.",
                advice: "Open the page on this site, and try again from there.",
                fix:
                    "With session.partitioned a request that changes something, or a WebSocket, must come from a page of this site, by Sec-Fetch-Site or Origin. Let proxies in front pass both fields on; other sites' programs need a bearer token."
            ),
            .pathUnreadable: ReasonText(
                title: "The address cannot be read",
                happened: "The address of this page is ambiguous, so the request was not forwarded.",
                advice: "Check the address, or start from the front page. If a link led here, tell your administrator.",
                fix:
                    "The path has a dot segment or begins with two slashes, perhaps encoded, or holds an encoding that servers read differently. Have the client send the resolved path; `sidegate explain --request PATH` says what is wrong."
            ),
        ])

    private static let again = "Please try again. If it keeps failing, tell your administrator the code below."
    private static let cannotHelp = "Trying again is unlikely to help. Tell your administrator the code below."
}
