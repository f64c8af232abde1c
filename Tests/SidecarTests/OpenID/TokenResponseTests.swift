// SPDX-License-Identifier: Apache-2.0

import Gate
import Outbound
import Testing

@testable import Sidecar

/// Token responses (RFC 6749 §5) and UserInfo responses.
@Suite struct TokenResponseTests {
    private static let code = Array("SplxlOBeZQQYbYS6WxSbIA".utf8)

    private func read(
        _ status: UInt16, _ body: String, fields: [(name: String, value: String)] = []
    ) throws(RedemptionFailure) -> TokenResponse {
        try TokenResponse(
            .success(OutboundResponse(status: status, body: Array(body.utf8), fields: fields)), hiding: [Self.code])
    }

    @Test(
        arguments: [
            (#"{"token_type":"Bearer","id_token":"a.b.c","access_token":"x","expires_in":"60"}"#, "x"),
            (#"{"token_type":"bearer","id_token":"a.b.c","access_token":null}"#, nil),
            (#"{"token_type":"BEARER","id_token":"a.b.c"}"#, nil),
        ] as [(String, String?)])
    func tokensAreRead(body: String, accessToken: String?) throws {
        let tokens = try read(200, body)
        #expect(tokens.idToken == Array("a.b.c".utf8))
        #expect(tokens.accessToken == accessToken.map { Array($0.utf8) })
    }

    @Test(
        arguments: [
            (200, #"{"token_type":"Bearer"}"#, "no id_token"),
            (200, #"{"token_type":"Bearer","id_token":7}"#, "no id_token"),
            (200, #"{"token_type":"Bearer","id_token":""}"#, "id_token is empty, too long or not plain ASCII"),
            (200, #"{"token_type":"Bearer","id_token":"a\r\nX: y"}"#, "id_token is empty, too long or not plain ASCII"),
            (200, #"{"token_type":"Bearer","id_token":"a","access_token":["x"]}"#, "access_token is not a string"),
            (200, #"{"token_type":"Bearer","id_token":"a","access_token":"x y"}"#, "access_token is empty"),
            (200, #"{"id_token":"a"}"#, "no token_type Bearer"),
            (200, #"{"token_type":"DPoP","id_token":"a"}"#, "no token_type Bearer"),
            (200, #"{"token_type":"Bearer","id_token":"a","id_token":"b"}"#, "a duplicate name"),
            (200, "token_type=Bearer&id_token=a", "not usable JSON"),
            (200, "[]", "an array, not an object"),
            (200, "", "not usable JSON"),
            (201, #"{"token_type":"Bearer","id_token":"a"}"#, "answered 201"),
            (302, "", "answered 302, a redirect, which is not followed"),
            (307, "", "answered 307, a redirect, which is not followed"),
            (400, #"{"error":"invalid_grant"}"#, "answered 400: invalid_grant"),
            (
                401, #"{"error":"invalid_client","error_description":"No such client"}"#,
                ": invalid_client; fix: "
            ),
            (500, "<html>", "answered 500"),
            (503, #"{"error":"temporarily_unavailable"}"#, "answered 503: temporarily_unavailable"),
        ] as [(UInt16, String, String)])
    func anythingElseIsRefused(status: UInt16, body: String, cause: String) {
        do throws(RedemptionFailure) {
            _ = try read(status, body)
            Issue.record("accepted")
        } catch {
            #expect(error.isAnswer)
            #expect(error.description.contains(cause), "\(error.description)")
        }
    }

    @Test(arguments: [429, 502, 503, 504] as [UInt16])
    func anIntermediarysErrorIsAnOutage(status: UInt16) {
        #expect(throws: RedemptionFailure.self) { try read(status, "<html>") }
        do throws(RedemptionFailure) {
            _ = try read(status, "<html>")
        } catch {
            #expect(!error.isAnswer)
        }
    }

    @Test(
        arguments: [
            (.timeout, false), (.closed, false), (.name("unknown"), false), (.connect("refused"), false),
            (.tls("expired"), false), (.tooLarge, true), (.malformed("no HTTP"), true),
        ] as [(OutboundFailure, Bool)])
    func aFailedCallIsAnOutageUnlessSomethingWasAnswered(failure: OutboundFailure, isAnswer: Bool) {
        do throws(RedemptionFailure) {
            _ = try TokenResponse(.failure(failure), hiding: [])
            Issue.record("accepted")
        } catch {
            #expect(error.isAnswer == isAnswer)
            #expect(error.description.hasPrefix("the token endpoint: \(failure); fix: "))
        }
    }

    // MARK: Errors in words

    @Test(
        arguments: [
            (#"{"error":"invalid_grant"}"#, "invalid_grant"),
            // Free text may hold a code, a token or the user's address: none of it is shown.
            (#"{"error":"invalid_grant","error_description":"No user ada@example.com"}"#, "invalid_grant"),
            (#"{"error_description":"Not allowed"}"#, nil),
            (#"{"error":"Invalid Grant"}"#, nil), (#"{"error":7}"#, nil), ("<html>", nil), ("[]", nil), ("", nil),
            (#"{"error":"invalid_request","error_uri":"https://x"}"#, "invalid_request"),
            // The code, the verifier or a secret that the provider sends back.
            (#"{"error":"invalid_grant","error_description":"SplxlOBeZQQYbYS6WxSbIA"}"#, "invalid_grant"),
            (#"{"error":"invalid_grant","error_description":"the code 'SplxlOBeZQQYbYS6WxSbIA'."}"#, "invalid_grant"),
            (#"{"error":"short","error_description":"short"}"#, nil),
            (#"{"error":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#, nil),
        ] as [(String, String?)])
    func onlyTheCodeOfAnErrorIsShown(body: String, code: String?) {
        #expect(ProviderErrorText(Array(body.utf8), hiding: [Self.code, Array("short".utf8)]).code == code)
    }

    // MARK: UserInfo

    @Test(
        arguments: [
            (200, #"{"sub":"u"}"#, "application/json", nil), (200, #"{"sub":"u"}"#, "", nil),
            (200, #"{"sub":""}"#, "application/json", "has no sub"), (200, "{}", "application/json", "has no sub"),
            (200, #"{"sub":7}"#, "application/json", "has no sub"),
            (200, "a.b.c", "application/jwt", "is signed or encrypted"),
            (401, "", "", "the userinfo endpoint answered 401"), (302, "", "", "a redirect"),
        ] as [(UInt16, String, String, String?)])
    func userInfo(status: UInt16, body: String, type: String, problem: String?) {
        let fields = type.isEmpty ? [] : [(name: "content-type", value: type)]
        let response = OutboundResponse(status: status, body: Array(body.utf8), fields: fields)
        do throws(RedemptionFailure) {
            #expect(try ProviderResponse.userInfo(.success(response), hiding: []) == Array(body.utf8))
            #expect(problem == nil)
        } catch {
            #expect(problem.map { error.description.contains($0) } ?? false, "\(error.description)")
        }
    }
}
