// SPDX-License-Identifier: Apache-2.0

import Decisions

// Texts for a cause that is known more precisely than its reason. None may hold a token or a secret; what comes from
// outside is escaped where the page is written.
extension ReasonText {
    /// A return at another path than the return path.
    package static func returnPathMismatch(path: String, returnPath: String) -> ReasonText {
        of(.returnPathMismatch).adding("It sent you to \(path); sign-ins are accepted at \(returnPath).")
    }

    /// A time claim that counts `unit` in place of seconds.
    package static func wrongUnit(claim: String, unit: String) -> ReasonText {
        ReasonText(
            title: "The sign-in token counts time in \(unit)",
            happened:
                "The time \"\(claim)\" of the sign-in token is in \(unit), but tokens count seconds, so it is far in the future.",
            advice: "Trying again will not help. Tell your administrator the code below.",
            fix: unit == "milliseconds"
                ? "Have the provider divide its times by 1000; in JavaScript, Math.floor(Date.now() / 1000)."
                : "Have the provider send whole seconds since 1970.")
    }

    /// A field of the user that is missing, or not accepted.
    ///
    /// - Parameter problem: a sentence that names the field and, where one is exceeded, the limit.
    package static func field(_ reason: Reason, problem: String) -> ReasonText {
        let text = of(reason)
        return ReasonText(
            title: text.title, happened: "\(text.happened) \(problem)",
            advice: "Trying again will not help. Ask your administrator to correct your account.", fix: text.fix)
    }

    /// The same, with another sentence about what happened.
    package func adding(_ sentence: String) -> ReasonText {
        ReasonText(title: title, happened: "\(happened) \(sentence)", advice: advice, fix: fix)
    }
}
