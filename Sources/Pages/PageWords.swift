// SPDX-License-Identifier: Apache-2.0

import Decisions

/// The texts of the pages: the values for each template.
enum PageWords {
    static func values(of page: Page, brand: String) -> [String: TemplateValue] {
        var values = words(of: page)
        values["brand"] = .text(brand)
        return values
    }

    private static func words(of page: Page) -> [String: TemplateValue] {
        switch page {
        case .redirecting(let url):
            return [
                "title": .text("One moment"),
                "message": .text("You are being redirected. If nothing happens, use the link."),
                "url": link(url),
            ]
        case .refused(let reason, let requestID, let account, let tryAgain, let text):
            return words(of: reason, requestID, text).merging([
                "isRefused": .flag(true), "account": .text(account ?? ""), "tryAgainURL": link(tryAgain),
                "hasActions": .flag(link(tryAgain) != absent),
            ]) { $1 }
        case .notAllowed(let reason, let account, let requestID, let switchAccount):
            return words(of: reason, requestID).merging([
                "isNotAllowed": .flag(true), "account": .text(account), "switchAccountURL": link(switchAccount),
                "hasActions": .flag(link(switchAccount) != absent),
            ]) { $1 }
        case .noSeat(let account, let requestID, let tryAgain):
            return words(of: .seatLimitReached, requestID).merging([
                "account": .text(account ?? ""), "tryAgainURL": link(tryAgain),
            ]) { $1 }
        case .chooseProvider(let choices):
            return [
                "title": .text("Sign in"), "message": .text("Choose how you want to sign in."),
                "choices": .list(
                    choices.map { choice in
                        ["label": .text(choice.label), "url": link(choice.url), "isLast": .flag(choice.isLast)]
                    }),
            ]
        case .signedOut(let signIn):
            return [
                "title": .text("You are signed out"),
                "message": .text("Your session here has ended. You can close this page."),
                "advice": .text("On a shared device, sign out at your identity provider as well."),
                "signInURL": link(signIn),
            ]
        case .confirmSignIn(let account, let action, let fields, let cancel, let cause):
            return [
                "isSignIn": .flag(true),
                "title": .text(cause == nil ? "Is this you?" : "The sign-in came back to another address"),
                "message": .text(cause ?? "A sign-in with this account was started elsewhere, not from this page."),
                "advice": .text("Continue only if you started it and the account is yours."),
                "account": .text(account), "actionURL": link(action), "fields": list(fields),
                "cancelURL": link(cancel),
            ]
        case .confirmSignOut(let account, let action, let fields, let cancel):
            return [
                "isSignOut": .flag(true), "title": .text("Sign out?"),
                "message": .text("Your session here will end. Unsaved work may be lost."),
                "account": .text(account ?? ""), "actionURL": link(action), "fields": list(fields),
                "cancelURL": link(cancel),
            ]
        case .loginLoop(let causes, let requestID, let tryAgain):
            return [
                "isLoginLoop": .flag(true), "title": .text("Sign-in keeps repeating"),
                "message": .text(
                    "You were signed in several times within seconds, but each time the session was lost. "
                        + "The likely causes are:"),
                "causes": .texts(causes.isEmpty ? usualLoopCauses : causes), "hasCauses": .flag(true),
                "requestID": .text(requestID), "tryAgainURL": link(tryAgain),
                "hasActions": .flag(link(tryAgain) != absent),
            ]
        case .upstreamDown(let status, let requestID, let tryAgain):
            let words = StatusWords.of(status)
            return [
                "isUpstreamDown": .flag(true), "title": .text(words.title), "message": .text(words.message),
                "advice": .text("Please try again in a moment."), "status": .text(String(status)),
                "requestID": .text(requestID), "tryAgainURL": link(tryAgain),
                "hasActions": .flag(link(tryAgain) != absent),
            ]
        case .error(let status, let title, let message, let requestID, let tryAgain):
            let words = StatusWords.of(status)
            return [
                "title": .text(title ?? words.title), "message": .text(message ?? words.message),
                "status": .text(String(status)), "requestID": .text(requestID), "tryAgainURL": link(tryAgain),
                "hasActions": .flag(link(tryAgain) != absent),
            ]
        }
    }

    private static func words(
        of reason: Reason, _ requestID: String, _ text: ReasonText? = nil
    ) -> [String: TemplateValue] {
        let text = text ?? ReasonText.of(reason)
        return [
            "title": .text(text.title), "message": .text(text.happened), "advice": .text(text.advice),
            "fix": .text(text.fix), "code": .text(reason.rawValue), "requestID": .text(requestID),
        ]
    }

    private static func link(_ url: String?) -> TemplateValue {
        .text(url.flatMap { SafeURL($0)?.text } ?? "")
    }

    private static let absent = TemplateValue.text("")

    private static func list(_ fields: [HiddenField]) -> TemplateValue {
        .list(fields.map { ["name": .text($0.name), "value": .text($0.value)] })
    }

    private static let usualLoopCauses = [
        "Your browser blocks cookies for this site. Allow them, also in private windows.",
        "The address begins with http:// where the site expects https://, so the browser drops its secure cookie.",
        "The site is reached under more than one host name, and the cookie belongs to another one.",
        "The clock of this device or of the server is wrong.",
        "The servers of this site use different session secrets.",
    ]
}

extension Page {
    /// The template for the page.
    var template: String {
        switch self {
        case .redirecting: "redirecting"
        case .refused, .notAllowed, .loginLoop, .upstreamDown, .error: "error"
        case .noSeat: "no-seat"
        case .chooseProvider: "choose"
        case .signedOut: "signed-out"
        case .confirmSignIn, .confirmSignOut: "confirm"
        }
    }
}
