// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import Pages

/// Recognises what a provider has sent to another path than its return path, and what is not the app's in any case, whatever
/// session the browser has:
///
/// - The answer to an attempt of this browser that brings a code or an error, as OpenID Connect does: the login cookie shows
///   that it is one, so parameters of the same names that belong to an app's own protocol pass.
/// - A token in the path itself, of a provider that appends `&jwt=…` to an address without a query, or encodes the `?`.
///
/// It costs a comparison of two numbers for most requests, and no memory for any other but a return.
struct MisdirectedReturns {
    /// By the provider's name; of those whose returns have to name an attempt and bring no token. Most gates have none.
    private let codePaths: [String: String]
    private let returnPaths: [String]
    private let attempts: LoginAttempts
    private let responses: Responses

    init(
        _ configuration: GateConfiguration, _ providers: Providers, _ attempts: LoginAttempts, _ responses: Responses
    ) {
        var paths: [String: String] = [:]
        for provider in configuration.providers
        where providers.configured(provider.name)?.login.needsAttempt ?? false {
            paths[provider.name] = provider.returnPath
        }
        codePaths = paths
        returnPaths = configuration.providers.map(\.returnPath)
        self.attempts = attempts
        self.responses = responses
    }

    /// False for most requests, which are too short.
    @inline(__always)
    func mayInclude(_ request: borrowing AccessRequest) -> Bool {
        if request.path.place.count >= TokenParameter.leastTokenByteCount { return true }
        guard !codePaths.isEmpty else { return false }
        return request.head.method == .post || (request.head.query?.count ?? 0) >= Self.leastAnswerByteCount
    }

    /// 400; nil: the request is none. The caller knows that it is not for a return path.
    @inline(never)
    func refusal(of request: borrowing AccessRequest) -> LocalResponse? {
        if request.path.place.count >= TokenParameter.leastTokenByteCount, let refusal = tokenInPath(request) {
            return refusal
        }
        guard !codePaths.isEmpty, let query = request.head.query, query.count >= Self.leastAnswerByteCount else {
            return nil
        }
        return answer(request, query)
    }

    /// What becomes of a form that may be such an answer, whatever session there is; nil: it is none.
    ///
    /// Only a form that no page of this site has sent, and only of a browser that has begun to sign in, is read for it: all
    /// others pass as they arrive. One that is read and is no answer reaches the app whole.
    @inline(never)
    func formStep(_ request: borrowing AccessRequest) -> Step? {
        guard !codePaths.isEmpty, request.form == nil, !request.isPassedOn, ContentType.isForm(request.head),
            Self.mayHoldAnswer(request.head.framing), NavigationTest.isFormSubmission(request.head),
            !attempts.present(in: request).isEmpty, !SiteCheck.isSameOrigin(request)
        else { return nil }
        return switch request.collectedForm {
        case nil: .ask(.collectForm(limit: SignIn.formLimit))
        case .whole(let form): refusal(of: request, form: form).map { .respond($0) }
        // No provider's answer is as long.
        case .tooLarge: nil
        case .noRoom: .respond(responses.error(503, request))
        }
    }

    private static func mayHoldAnswer(_ framing: BodyFraming) -> Bool {
        switch framing {
        case .none, .untilClose: false
        case .length(let length): UInt64(leastAnswerByteCount)...UInt64(SignIn.formLimit) ~= length
        case .chunked: true
        }
    }

    /// The same for a form that was read.
    func refusal(of request: borrowing AccessRequest, form: [UInt8]) -> LocalResponse? {
        codePaths.isEmpty ? nil : answer(request, Parameters(form: form))
    }

    @inline(never)
    private func tokenInPath(_ request: borrowing AccessRequest) -> LocalResponse? {
        guard let start = request.site.tokenParameter.startInPath(of: request.head) else { return nil }
        let path = ReturnPathCheck.shown(request, upTo: start)
        guard request.head.bytes[start] == UInt8(ascii: "&") else {
            return responses.signInRefused(
                .returnPathMismatch, status: 400, request, tryAgain: nil,
                cause: .returnPathMismatch(path: path + "…", returnPaths: returnPaths),
                detail: "a token came in the path, behind \(path); identityProvider.returnPath is "
                    + returnPaths.joined(separator: " or "))
        }
        return responses.signInRefused(
            .returnPathMismatch, status: 400, request, tryAgain: nil,
            cause: .tokenInPath(path: path, returnPaths: returnPaths),
            detail: "a token came in the path, appended with & to \(path), which has no query; "
                + "identityProvider.returnPath is \(returnPaths.joined(separator: " or "))")
    }

    @inline(never)
    private func answer(_ request: borrowing AccessRequest, _ query: ByteRange) -> LocalResponse? {
        guard query.upperBound <= request.head.bytes.count, Self.mayNameAttempt(request.head.bytes.span, query.range),
            !attempts.present(in: request).isEmpty
        else { return nil }
        return answer(request, Parameters(query: request.head))
    }

    private func answer(_ request: borrowing AccessRequest, _ parameters: Parameters) -> LocalResponse? {
        guard ["code", "error"].contains(where: { !(parameters.values($0).first ?? []).isEmpty }),
            let provider = attempts.providerAnswered(by: parameters, request), let returnPath = codePaths[provider]
        else { return nil }
        let path = ReturnPathCheck.shown(request)
        var response = responses.signInRefused(
            .returnPathMismatch, status: 400, request, tryAgain: nil,
            cause: .returnPathMismatch(path: path, returnPaths: [returnPath]),
            detail: "the provider's response came to \(path); identityProvider.returnPath is \(returnPath)")
        if !provider.isEmpty { response.provider = provider }
        return response
    }

    /// A parameter is called `state`, as the return path reads it (``Parameters``), and may be an attempt's name. Nothing is
    /// decoded for other parameters than those of which the encoded name or value has the right length.
    private static func mayNameAttempt(_ bytes: Span<UInt8>, _ query: Range<Int>) -> Bool {
        var isNamed = false
        QueryParameters.forEach(in: bytes, query) { name, value in
            guard encodedLengths(LoginAttemptID.length) ~= value.count, encodedLengths(state.count) ~= name.count,
                !isNamed
            else { return }
            isNamed = PercentEncoding.decodes(bytes.extracting(name), to: state.span, plusIsSpace: true)
        }
        return isNamed
    }

    /// What may decode to `count` bytes: each takes up to three.
    private static func encodedLengths(_ count: Int) -> ClosedRange<Int> { count...(3 * count) }

    private static let state = Array("state".utf8)
    /// `state=…&code=x`
    private static let leastAnswerByteCount = "state=&code=x".utf8.count + LoginAttemptID.length
}
