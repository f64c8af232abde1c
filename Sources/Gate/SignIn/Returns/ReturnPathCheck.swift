// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP
import Pages

/// Recognises a browser that the provider has sent to another path than the return path, the most frequent mistake in its
/// settings. Another redirect to the provider would only bring the browser back.
///
/// A token shows it that one of the loaded keys has signed, so no link of a stranger leads to this page.
struct ReturnPathCheck {
    /// Those of all providers.
    private let returnPaths: [String]
    private let responses: Responses

    init(_ configuration: GateConfiguration, _ responses: Responses) {
        returnPaths = configuration.providers.map(\.returnPath)
        self.responses = responses
    }

    /// 400 for a navigation with a token of the provider; nil: the request is none. The caller knows that it has no
    /// session, and is not for the return path.
    func refusal(of request: borrowing AccessRequest) -> LocalResponse? {
        guard request.head.query != nil, request.site.tokenParameter.isPresent(in: request.head),
            NavigationTest.isNavigation(request.head)
        else { return nil }
        return refusal(request)
    }

    /// The provider may have sent the token in a form, which must be read first: a browser sends one from another site. The
    /// caller knows that the request is answered without the app.
    func mayHoldToken(_ request: borrowing AccessRequest) -> Bool {
        guard request.form == nil, request.collectedForm == nil, case .length(let length) = request.head.framing,
            length > 0, length <= UInt64(SignIn.formLimit)
        else { return false }
        return Self.isFormOfOtherSite(request)
    }

    /// The form was collected for another purpose. The caller knows that there is no session.
    func refusal(ofCollected request: borrowing AccessRequest) -> LocalResponse? {
        guard case .whole(let form) = request.collectedForm, Self.isFormOfOtherSite(request) else { return nil }
        return refusal(of: request, form: form)
    }

    private static func isFormOfOtherSite(_ request: borrowing AccessRequest) -> Bool {
        guard request.head.method == .post, ContentType.isForm(request.head), NavigationTest.isShown(request.head),
            let origin = request.publicOrigin
        else { return false }
        return SiteCheck.of(request.head, on: request.site.targetSite(origin)) == .otherSite
    }

    /// The same for a form that holds a token of the provider.
    func refusal(of request: borrowing AccessRequest, form: [UInt8]) -> LocalResponse? {
        request.site.tokenParameter.isPresent(in: form) ? refusal(request) : nil
    }

    private func refusal(_ request: borrowing AccessRequest) -> LocalResponse {
        let path = Self.shown(request)
        return responses.signInRefused(
            .returnPathMismatch, status: 400, request, tryAgain: nil,
            cause: .returnPathMismatch(path: path, returnPaths: returnPaths),
            detail: "a token came to \(path); identityProvider.returnPath is \(returnPaths.joined(separator: " or "))")
    }

    /// The request's path: visible ASCII, of bounded length.
    ///
    /// - Parameter end: the place in the head's bytes before which it ends; nil: it is shown to its end.
    static func shown(_ request: borrowing AccessRequest, upTo end: Int? = nil) -> String {
        let place = request.path.place
        guard place.upperBound <= request.head.bytes.count else { return "/" }
        let range = place.range.clamped(to: 0..<(end ?? place.range.upperBound))
        var text: [UInt8] = []
        for byte in request.head.bytes[range].prefix(maximumPathLength) {
            if byte > 0x20, byte < 0x7f { text.append(byte) } else { text.appendPercentEncoded(byte: byte) }
        }
        if range.count > maximumPathLength { text.append("…") }
        return String(decoding: text, as: UTF8.self)
    }

    private static let maximumPathLength = 100
}
