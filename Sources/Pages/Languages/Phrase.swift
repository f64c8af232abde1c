// SPDX-License-Identifier: Apache-2.0

/// A text of the pages that is not about one reason or one status. Names in braces are places for values, which every
/// language has too; see ``Catalogue/filled(_:_:)``.
enum Phrase: String, CaseIterable, Sendable {
    // Words of the templates.
    case continueLabel, codeLabel, statusLabel, requestIDLabel, timeLabel
    case signedInAsLabel, accountLabel
    case switchAccountLabel, tryAgainLabel, fixLabel

    case redirectingTitle, redirecting
    case chooseTitle, choose
    case signedOutTitle, signedOut, signedOutAdvice, signInAgainLabel
    case confirmSignInTitle, confirmSignIn, confirmSignInAdvice, confirmSignInLabel, cancelSignInLabel
    case returnedElsewhereTitle
    case confirmSignOutTitle, confirmSignOut, confirmSignOutLabel, cancelSignOutLabel
    case loginLoopTitle, loginLoop
    case loopByCookies, loopByScheme, loopByHost, loopByClock, loopBySecrets
    case upstreamDownAdvice

    // A form that came after its session had ended: {account}.
    case sessionEndedTitle, notSignedInTitle
    case formKept, formKeptAdvice, signedInBeforeLabel, signInLabel, sendFormLabel
    case formOfOtherTitle, formOfOther, filledInLabel, signedInNowLabel, sendFormAsLabel
    case formLost, formLostAdvice
    case formLostOff, formLostOtherSite, formLostType, formLostFiles, formLostSize, formLostCount, formLostRoom
    case formLostUnsendable, formLostAddress
    case signedInTitle, signedInForForm, notSignedInForForm

    // Frames, and the pages between a page and its sign-in.
    case frameTitle, frame, frameAdvice
    case leaving, arriving, linkTooLong, linkTooLongAdvice

    // What is general.
    case otherRefusalTitle, otherRefusal
    case otherFailureTitle, otherFailure
    case otherReasonTitle, otherReason, otherReasonAdvice, otherReasonFix

    // Causes that are known more precisely than by their reason: {path}, {expected}; {claim}, {unit}; {field},
    // {claims}, {count}, {limit}; {actual}, {expected}; {code}.
    case returnPathMismatch, or, tokenInPath, tokenInPathFix
    case wrongUnitTitle, wrongUnit, wrongUnitAdvice, wrongUnitFix, wrongUnitFixByScript
    case milliseconds, microseconds, nanoseconds
    case fieldMissing, fieldMissingInClaims, emailUnverified, fieldNotText, fieldValueCount, fieldSingleValue
    case fieldValueLength, fieldControlCharacter, fieldBlankEnd, fieldWithoutSingleAt, fieldNotPlainEmail, fieldTotal
    case sessionTooLarge, fieldAdvice
    case returnedElsewhere
    case providerErrorCode, providerSentNothing
    case otherResponseMode, responseInURL, responseInForm

    // What the administrator should check where users sign in by OpenID Connect.
    case openIDStateFix, openIDResponseFix, openIDTokenFix, openIDKeyFix, openIDIssuerFix, openIDAudienceFix
}
