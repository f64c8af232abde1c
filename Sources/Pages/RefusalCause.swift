// SPDX-License-Identifier: Apache-2.0

import Decisions

/// A cause that is known more precisely than by its reason, without the words of a language. None may hold a token or a
/// secret; what comes from outside is escaped where the page is written.
package enum RefusalCause: Equatable, Sendable {
    /// A return at another path than the return paths.
    case returnPathMismatch(path: String, returnPaths: [String])
    /// A token in the path of a return, behind an `&`. `path`: without the token.
    case tokenInPath(path: String, returnPaths: [String])
    /// A time claim that counts `unit` in place of seconds: `milliseconds`, `microseconds` or `nanoseconds`.
    case wrongUnit(claim: String, unit: String)
    /// A field of the user that is missing, or not accepted.
    case field(String, FieldProblem)
    /// A return to another address of the site than its public one.
    case returnedElsewhere(actual: String, expected: String)
    /// An OpenID provider's error code.
    case providerError(code: String)
    /// An OpenID provider sent neither a code nor an error.
    case providerSentNothing
    /// An OpenID provider sent its response in a form where it belongs into the URL, or the other way round.
    case otherResponseMode(isForm: Bool)
    /// The sign-in was refused a moment ago, and came again.
    case attemptFailed
}

/// How users are to sign in: what an administrator should check depends on it.
package enum SignInMethod: Equatable, Sendable {
    /// By a redirect with a token.
    case redirect
    /// By OpenID Connect.
    case openID
}

extension ReasonText {
    /// The texts for `reason`, and for its cause where that is known.
    package static func of(
        _ reason: Reason, _ cause: RefusalCause? = nil, by method: SignInMethod = .redirect,
        in language: Language = .english
    ) -> ReasonText {
        let catalogue = language.catalogue
        let text = catalogue.text(of: reason, by: method)
        switch cause {
        case nil: return text
        case .wrongUnit(let claim, let unit):
            let values = ["claim": claim, "unit": catalogue.unit(unit)]
            return ReasonText(
                title: catalogue.filled(.wrongUnitTitle, values), happened: catalogue.filled(.wrongUnit, values),
                advice: catalogue[.wrongUnitAdvice],
                fix: catalogue[unit == "milliseconds" ? .wrongUnitFixByScript : .wrongUnitFix])
        case .tokenInPath:
            return ReasonText(
                title: text.title, happened: catalogue.joined(text.happened, cause?.sentence(in: catalogue) ?? ""),
                advice: text.advice, fix: catalogue[.tokenInPathFix])
        case .field(let name, let problem):
            return ReasonText(
                title: text.title,
                happened: catalogue.joined(text.happened, problem.sentence(about: name, in: catalogue)),
                advice: catalogue[.fieldAdvice], fix: text.fix)
        case .attemptFailed:
            return ReasonText(
                title: catalogue[.otherReasonTitle], happened: catalogue[.otherReason],
                advice: catalogue[.otherReasonAdvice], fix: catalogue[.otherReasonFix])
        case .returnPathMismatch, .returnedElsewhere, .providerError, .providerSentNothing, .otherResponseMode:
            let sentence = cause?.sentence(in: catalogue) ?? ""
            return ReasonText(
                title: text.title, happened: catalogue.joined(text.happened, sentence), advice: text.advice,
                fix: text.fix)
        }
    }
}

extension RefusalCause {
    func sentence(in catalogue: Catalogue) -> String {
        switch self {
        case .returnPathMismatch(let path, let returnPaths):
            catalogue.filled(
                .returnPathMismatch,
                ["path": path, "expected": returnPaths.joined(separator: " \(catalogue[.or]) ")])
        case .tokenInPath(let path, let returnPaths):
            catalogue.filled(
                .tokenInPath, ["path": path, "expected": returnPaths.joined(separator: " \(catalogue[.or]) ")])
        case .wrongUnit(let claim, let unit):
            catalogue.filled(.wrongUnit, ["claim": claim, "unit": catalogue.unit(unit)])
        case .field(let name, let problem): problem.sentence(about: name, in: catalogue)
        case .returnedElsewhere(let actual, let expected):
            catalogue.filled(.returnedElsewhere, ["actual": actual, "expected": expected])
        case .providerError(let code): catalogue.filled(.providerErrorCode, ["code": code])
        case .providerSentNothing: catalogue[.providerSentNothing]
        case .attemptFailed: catalogue[.otherReason]
        case .otherResponseMode(let isForm):
            catalogue.filled(
                .otherResponseMode,
                [
                    "actual": catalogue[isForm ? .responseInForm : .responseInURL],
                    "expected": catalogue[isForm ? .responseInURL : .responseInForm],
                ])
        }
    }
}

extension Catalogue {
    /// The texts for a reason, with the fix for this way to sign in.
    fileprivate func text(of reason: Reason, by method: SignInMethod) -> ReasonText {
        let text = self[reason]
        guard method == .openID, let phrase = Self.openIDFix(reason) else { return text }
        return ReasonText(title: text.title, happened: text.happened, advice: text.advice, fix: self[phrase])
    }

    /// Nil: the same as for other ways to sign in. With OpenID Connect keys, issuer and audience follow from the provider,
    /// and a sign-in must begin here.
    private static func openIDFix(_ reason: Reason) -> Phrase? {
        switch reason {
        case .loginStateMissing: .openIDStateFix
        case .tokenMissing: .openIDResponseFix
        case .tokenMalformed, .headerMalformed, .claimsMalformed, .algorithmMissing, .expiryMissing, .issuedAtMissing:
            .openIDTokenFix
        case .keyNotFound, .signatureInvalid: .openIDKeyFix
        case .issuerMismatch: .openIDIssuerFix
        case .audienceMismatch: .openIDAudienceFix
        default: nil
        }
    }

    fileprivate func unit(_ name: String) -> String {
        switch name {
        case "milliseconds": self[.milliseconds]
        case "microseconds": self[.microseconds]
        case "nanoseconds": self[.nanoseconds]
        default: name
        }
    }
}
