// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import JWT
import Pages

/// How a browser gets to an identity provider and back.
///
/// A protocol knows the provider's address and what the provider sends. Attempts and their cookies, confirmation, single
/// use, provisioning and sessions are the same for all and are not its concern.
protocol LoginProtocol: AnyObject {
    /// Each genuine return names its attempt by `state`: without one, the return is not an answer to any attempt.
    var namesAttempts: Bool { get }

    /// A return that answers no attempt of this browser signs nobody in, whatever `initiated` says; each attempt has a
    /// ``LoginProof``, and ends with its return.
    var needsAttempt: Bool { get }

    /// For the words of pages.
    var method: SignInMethod { get }

    /// The address that starts an attempt on a site, with places for the attempt's name and its target; nil: it is not
    /// known yet where users sign in.
    func start(on origin: PublicOrigin) -> LoginURL?

    /// The parameters that the provider sent with the browser, in the query or in a form.
    func parameters(of request: borrowing AccessRequest, form: [UInt8]?) -> Parameters

    /// The user that a return proves. Called again after a question was answered.
    func finish(
        _ parameters: Parameters, _ attempt: ReturnedAttempt, on origin: PublicOrigin,
        _ request: borrowing AccessRequest
    ) -> LoginResult

    /// Where the browser goes so that the session at the provider ends too; nil: nowhere.
    ///
    /// - Parameter idToken: of the session that ends; empty: none.
    func endOfSession(on origin: PublicOrigin, idToken: [UInt8]) -> [UInt8]?
}

/// What a return amounts to.
enum LoginResult {
    case verified(VerifiedLogin)
    case refused(SignInRefusal, status: UInt16)
    /// Something must be fetched first.
    case ask(Question)
}

/// A user that an identity provider vouches for.
struct VerifiedLogin {
    let fields: UserAttributes
    /// What stands for this proof in the replay store, so that it signs in once.
    let replayKeys: ReplayKeys
    let retention: Retention
    /// The key that signed it, where keys have names. For logs.
    let keyID: String?
    /// Sentences about fields that were left out. For logs.
    let omissions: [String]
    /// ``ProviderSession/encoded``; empty: none.
    var providerSession: [UInt8] = []
    /// What tells the browser's response, with its attempt, from all others; see ``AttemptResponse``. Nil: each is new.
    var responseKey: [UInt8]?
    /// The token that the provider recognises the session by when it is to end (`id_token_hint`); empty: none.
    var idToken: [UInt8] = []
}
