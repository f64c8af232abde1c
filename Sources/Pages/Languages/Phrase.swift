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

    // What is general.
    case otherRefusalTitle, otherRefusal
    case otherFailureTitle, otherFailure
    case otherReasonTitle, otherReason, otherReasonAdvice, otherReasonFix

    // Causes that are known more precisely than by their reason: {path}, {expected}; {claim}, {unit}; {actual},
    // {expected}; {code}.
    case returnPathMismatch, or
    case wrongUnitTitle, wrongUnit, wrongUnitAdvice, wrongUnitFix, wrongUnitFixByScript
    case milliseconds, microseconds, nanoseconds
    case fieldAdvice
    case returnedElsewhere
    case providerErrorCode, providerSentNothing
}
