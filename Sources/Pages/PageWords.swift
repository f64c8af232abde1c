// SPDX-License-Identifier: Apache-2.0

import Decisions

/// The texts of the pages: the values for each template.
struct PageWords {
    private let language: Language
    private let catalogue: Catalogue

    init(_ language: Language) {
        self.language = language
        catalogue = language.catalogue
    }

    func values(of page: Page, brand: String) -> [String: TemplateValue] {
        var values = fixed.merging(words(of: page)) { $1 }
        values["brand"] = .text(brand)
        return values
    }

    /// What the templates of all pages can say.
    private var fixed: [String: TemplateValue] {
        [
            "language": .text(language.rawValue), "direction": .text(language.direction),
            "continueLabel": text(.continueLabel), "codeLabel": text(.codeLabel), "statusLabel": text(.statusLabel),
            "requestIDLabel": text(.requestIDLabel), "timeLabel": text(.timeLabel),
            "accountLabel": text(.accountLabel), "switchAccountLabel": text(.switchAccountLabel),
            "tryAgainLabel": text(.tryAgainLabel), "fixLabel": text(.fixLabel),
            "signInLabel": text(.signInAgainLabel),
        ]
    }

    private func text(_ phrase: Phrase) -> TemplateValue { .text(catalogue[phrase]) }

    private func words(of page: Page) -> [String: TemplateValue] {
        switch page {
        case .redirecting(let url):
            return [
                "title": text(.redirectingTitle), "message": text(.redirecting),
                "url": link(url),
            ]
        case .refused(let reason, let requestID, let account, let tryAgain, let cause, let method):
            return words(of: reason, requestID, cause, method).merging([
                "isRefused": .flag(true), "accountLabel": text(.signedInAsLabel), "account": .text(account ?? ""),
                "tryAgainURL": link(tryAgain),
                "hasActions": .flag(link(tryAgain) != absent),
            ]) { $1 }
        case .notAllowed(let reason, let account, let requestID, let switchAccount):
            return words(of: reason, requestID).merging([
                "isNotAllowed": .flag(true), "accountLabel": text(.signedInAsLabel), "account": .text(account),
                "switchAccountURL": link(switchAccount),
                "hasActions": .flag(link(switchAccount) != absent),
            ]) { $1 }
        case .noSeat(let account, let requestID, let tryAgain):
            return words(of: .seatLimitReached, requestID).merging([
                "account": .text(account ?? ""), "tryAgainURL": link(tryAgain),
            ]) { $1 }
        case .chooseProvider(let choices, let keepsFragment):
            return [
                "keepsFragment": .flag(keepsFragment),
                "title": text(.chooseTitle), "message": text(.choose),
                "choices": .list(
                    choices.map { choice in
                        ["label": .text(choice.label), "url": link(choice.url), "isLast": .flag(choice.isLast)]
                    }),
            ]
        case .framed(let signIn):
            return [
                "title": text(.frameTitle), "message": text(.frame), "advice": text(.frameAdvice),
                "signInLabel": text(.signInLabel), "signInURL": link(signIn),
            ]
        case .leaving(let url, let attempt):
            return [
                "title": text(.redirectingTitle), "message": text(.leaving), "isLeaving": .flag(true),
                "url": link(url), "attempt": .text(attempt), "keepsFragment": .flag(true),
            ]
        case .arriving(let url, let attempt):
            return [
                "title": text(.signedInTitle), "message": text(.arriving), "isArriving": .flag(true),
                "url": link(url), "attempt": .text(attempt), "keepsFragment": .flag(true),
            ]
        case .addressTooLong(let url):
            return [
                "title": text(.signedInTitle), "message": text(.linkTooLong), "advice": text(.linkTooLongAdvice),
                "isTooLong": .flag(true),
                "url": link(url),
            ]
        case .signedOut(let signIn):
            return [
                "title": text(.signedOutTitle), "message": text(.signedOut), "advice": text(.signedOutAdvice),
                "signInURL": link(signIn),
            ]
        case .confirmSignIn(let account, let action, let fields, let cancel, let cause):
            return [
                "isSignIn": .flag(true),
                "title": text(cause == nil ? .confirmSignInTitle : .returnedElsewhereTitle),
                "message": .text(cause?.sentence(in: catalogue) ?? catalogue[.confirmSignIn]),
                "advice": text(.confirmSignInAdvice), "confirmLabel": text(.confirmSignInLabel),
                "cancelLabel": text(.cancelSignInLabel),
                "account": .text(account), "actionURL": link(action), "fields": list(fields),
                "cancelURL": link(cancel),
            ]
        case .confirmSignOut(let account, let action, let fields, let cancel):
            return [
                "isSignOut": .flag(true), "title": text(.confirmSignOutTitle), "message": text(.confirmSignOut),
                "confirmLabel": text(.confirmSignOutLabel), "cancelLabel": text(.cancelSignOutLabel),
                "account": .text(account ?? ""), "actionURL": link(action), "fields": list(fields),
                "cancelURL": link(cancel),
            ]
        case .keptForm(let form, let hasEnded, let account, let signIn):
            return form.values.merging([
                "isKept": .flag(true), "title": title(hasEnded: hasEnded), "message": text(.formKept),
                "advice": text(.formKeptAdvice), "accountLabel": text(.signedInBeforeLabel),
                "account": .text(account ?? ""), "signInURL": link(signIn), "signInLabel": text(.signInLabel),
                "sendLabel": text(.sendFormLabel),
            ]) { $1 }
        case .confirmForm(let form, let account, let current, let switchAccount):
            return form.values.merging([
                "isOtherAccount": .flag(true), "title": text(.formOfOtherTitle), "message": text(.formOfOther),
                "accountLabel": text(.filledInLabel), "account": .text(account),
                "currentAccountLabel": text(.signedInNowLabel), "currentAccount": .text(current),
                "sendLabel": .text(catalogue.filled(.sendFormAsLabel, ["account": current])),
                "switchAccountURL": link(switchAccount),
            ]) { $1 }
        case .lostForm(let loss, let hasEnded, let account, let signIn, let requestID):
            return [
                "isLost": .flag(true), "title": title(hasEnded: hasEnded),
                "message": .text(catalogue.joined(catalogue[.formLost], catalogue[loss.phrase])),
                "advice": text(.formLostAdvice), "accountLabel": text(.signedInBeforeLabel),
                "account": .text(account ?? ""), "signInURL": link(signIn), "signInLabel": text(.signInLabel),
                "requestID": .text(requestID),
            ]
        case .signedInForForm(let account?, _):
            return [
                "isSignedIn": .flag(true), "title": text(.signedInTitle), "message": text(.signedInForForm),
                "accountLabel": text(.signedInAsLabel), "account": .text(account),
            ]
        case .signedInForForm(nil, let signIn):
            return [
                "title": text(.notSignedInTitle), "message": text(.notSignedInForForm), "signInURL": link(signIn),
                "signInLabel": text(.signInLabel),
            ]
        case .loginLoop(let causes, let requestID, let tryAgain):
            return [
                "isLoginLoop": .flag(true), "title": text(.loginLoopTitle), "message": text(.loginLoop),
                "causes": .texts(causes.isEmpty ? usualLoopCauses : causes), "hasCauses": .flag(true),
                "requestID": .text(requestID), "tryAgainURL": link(tryAgain),
                "hasActions": .flag(link(tryAgain) != absent),
            ]
        case .upstreamDown(let status, let requestID, let tryAgain):
            let words = catalogue[status]
            return [
                "isUpstreamDown": .flag(true), "title": .text(words.title), "message": .text(words.message),
                "advice": text(.upstreamDownAdvice), "status": .text(String(status)),
                "requestID": .text(requestID), "tryAgainURL": link(tryAgain),
                "hasActions": .flag(link(tryAgain) != absent),
            ]
        case .error(let status, let title, let message, let requestID, let tryAgain):
            let words = catalogue[status]
            return [
                "title": .text(title ?? words.title), "message": .text(message ?? words.message),
                "status": .text(String(status)), "requestID": .text(requestID), "tryAgainURL": link(tryAgain),
                "hasActions": .flag(link(tryAgain) != absent),
            ]
        }
    }

    private func words(
        of reason: Reason, _ requestID: String, _ cause: RefusalCause? = nil, _ method: SignInMethod = .redirect
    ) -> [String: TemplateValue] {
        let text = ReasonText.of(reason, cause, by: method, in: language)
        return [
            "title": .text(text.title), "message": .text(text.happened), "advice": .text(text.advice),
            "fix": .text(text.fix), "code": .text(reason.rawValue), "requestID": .text(requestID),
        ]
    }

    private func link(_ url: String?) -> TemplateValue {
        .text(url.flatMap { SafeURL($0)?.text } ?? "")
    }

    private let absent = TemplateValue.text("")

    private func title(hasEnded: Bool) -> TemplateValue {
        text(hasEnded ? .sessionEndedTitle : .notSignedInTitle)
    }

    private func list(_ fields: [HiddenField]) -> TemplateValue {
        .list(fields.map { ["name": .text($0.name), "value": .text($0.value)] })
    }

    private var usualLoopCauses: [String] {
        [Phrase.loopByCookies, .loopByScheme, .loopByHost, .loopByClock, .loopBySecrets].map { catalogue[$0] }
    }
}

extension Page {
    /// The template for the page.
    var template: String {
        switch self {
        case .redirecting: "redirecting"
        case .refused, .notAllowed, .loginLoop, .upstreamDown, .error: "error"
        case .noSeat: "no-seat"
        case .chooseProvider: "choose"
        case .framed: "frame"
        case .leaving, .arriving, .addressTooLong: "continue"
        case .signedOut: "signed-out"
        case .confirmSignIn, .confirmSignOut: "confirm"
        case .keptForm, .confirmForm, .lostForm: "form"
        case .signedInForForm: "form-signed-in"
        }
    }
}
