// SPDX-License-Identifier: Apache-2.0

import JWT
import Testing

@testable import Gate

/// Discovery documents (OpenID Connect Discovery 1.0 §3).
@Suite struct OpenIDMetadataTests {
    private static let issuer = "https://idp.example.com/realms/main"
    private static let good: [(String, JSONValue)] = [
        ("issuer", .string(issuer)),
        ("authorization_endpoint", "https://idp.example.com/realms/main/auth?tenant=1"),
        ("token_endpoint", "https://idp.example.com/realms/main/token"),
        ("jwks_uri", "https://keys.example.com:8443/certs"),
        ("userinfo_endpoint", "https://idp.example.com/realms/main/userinfo"),
        ("end_session_endpoint", "https://idp.example.com/realms/main/logout"),
    ]

    private func parse(_ changes: [(String, JSONValue?)], issuer: String = issuer) throws(OpenIDMetadataError)
        -> OpenIDMetadata
    {
        var document = JSONObject(Self.good)
        for (name, value) in changes { document[name] = value }
        return try OpenIDMetadata(document: JSONValue.object(document).serialized(), issuer: issuer)
    }

    @Test func aDocumentIsRead() throws {
        let metadata = try parse([
            ("authorization_response_iss_parameter_supported", true), ("backchannel_logout_supported", true),
            ("backchannel_logout_session_supported", true),
            ("token_endpoint_auth_methods_supported", ["client_secret_post"]), ("scopes_supported", ["openid", 1]),
            ("unknown", ["x": ["y"]]),
        ])
        #expect(metadata.issuer == Self.issuer)
        #expect(metadata.authorizationEndpoint == "https://idp.example.com/realms/main/auth?tenant=1")
        #expect(metadata.tokenEndpoint == "https://idp.example.com/realms/main/token")
        #expect(metadata.jwksURL == "https://keys.example.com:8443/certs")
        #expect(metadata.userInfoEndpoint == "https://idp.example.com/realms/main/userinfo")
        #expect(metadata.endSessionEndpoint == "https://idp.example.com/realms/main/logout")
        #expect(metadata.announcesIssuer)
        #expect(metadata.supportsBackchannelLogout)
        #expect(metadata.supportsBackchannelSession)
        #expect(metadata.offers.clientAuthentication == ["client_secret_post"])
        #expect(metadata.offers.scopes == nil)
        #expect(metadata.offers.challengeMethods == nil)
        #expect(metadata.ignored.isEmpty)
    }

    @Test func whatIsMissingIsOff() throws {
        let metadata = try parse([("userinfo_endpoint", nil), ("end_session_endpoint", .null)])
        #expect(metadata.userInfoEndpoint == nil)
        #expect(metadata.endSessionEndpoint == nil)
        #expect(!metadata.announcesIssuer)
        #expect(!metadata.supportsBackchannelLogout)
        #expect(metadata.ignored.isEmpty)
    }

    @Test(
        arguments: [
            (
                "issuer", "https://idp.example.com/realms/main/",
                "its issuer is https://idp.example.com/realms/main/, and"
            ),
            ("issuer", "https://IDP.example.com/realms/main", "its issuer is https://IDP.example.com/realms/main, and"),
            (
                "issuer", "https://evil.example",
                "its issuer is https://evil.example, and the configured one is https://idp"
            ),
            ("issuer", "https://evil.example/\u{1b}[31m", "its issuer is not the configured one, and is not readable"),
            ("issuer", nil, "it has no issuer"),
            ("issuer", 7, "its issuer is a number, not a string"),
            ("authorization_endpoint", nil, "it has no authorization_endpoint"),
            ("authorization_endpoint", .null, "it has no authorization_endpoint"),
            ("authorization_endpoint", "javascript:alert(1)", "is not an absolute https URL"),
            ("authorization_endpoint", "https://idp.example.com/a#f", "holds a fragment"),
            ("authorization_endpoint", "https://idp.example.com/a b", "holds characters"),
            ("authorization_endpoint", "https://idp.example.com/a\r\nX: y", "holds characters"),
            ("authorization_endpoint", "https://idp.example.com/\\@evil", "holds characters"),
            ("token_endpoint", "http://idp.example.com/token", "its token_endpoint is not https"),
            ("token_endpoint", "http://127.0.0.1.example.com/token", "its token_endpoint is not https"),
            ("token_endpoint", "http://127.1/token", "its token_endpoint is not https"),
            // Of an issuer elsewhere: the gate must not post to what listens on its own machine.
            ("token_endpoint", "http://127.0.0.1:3000/admin/delete", "its token_endpoint is not https"),
            ("token_endpoint", "http://localhost:3000/x", "its token_endpoint is not https"),
            ("jwks_uri", "http://[::1]:3000/x", "its jwks_uri is not https"),
            ("authorization_endpoint", "http://127.0.0.1:3000/x", "its authorization_endpoint is not https"),
            ("token_endpoint", "http://localhost.example.com/token", "its token_endpoint is not https"),
            ("token_endpoint", "https://127.0.0.1:3000/x", "its token_endpoint is on the gate's own machine"),
            ("token_endpoint", "https://127.9.9.9/x", "its token_endpoint is on the gate's own machine"),
            ("token_endpoint", "https://0.0.0.0/x", "its token_endpoint is on the gate's own machine"),
            ("token_endpoint", "https://169.254.169.254/x", "its token_endpoint is on the gate's own machine"),
            ("token_endpoint", "https://[::1]/x", "its token_endpoint is on the gate's own machine"),
            ("token_endpoint", "https://[::]:1/x", "its token_endpoint is on the gate's own machine"),
            ("token_endpoint", "https://[::ffff:7f00:1]/x", "its token_endpoint is on the gate's own machine"),
            ("token_endpoint", "https://[fe80::1]/x", "its token_endpoint is on the gate's own machine"),
            ("jwks_uri", "https://LOCALHOST/x", "its jwks_uri is on the gate's own machine"),
            ("jwks_uri", "https://localhost./x", "its jwks_uri is on the gate's own machine"),
            ("jwks_uri", "https://a.localhost:9/x", "its jwks_uri is on the gate's own machine"),
            ("authorization_endpoint", "https://idp.example.com/a?state=x", "has a parameter state of its own"),
            (
                "authorization_endpoint", "https://idp.example.com/a?x=y&client_id",
                "has a parameter client_id of its own"
            ),
            ("authorization_endpoint", "https://idp.example.com/a?%6eonce=x&", "has a parameter nonce of its own"),
            (
                "authorization_endpoint", "https://idp.example.com/a?redirect_uri=https://evil.example",
                "has a parameter redirect_uri of its own"
            ),
            (
                "authorization_endpoint", "https://idp.example.com/a?response_type=token",
                "has a parameter response_type"
            ),
            (
                "authorization_endpoint", "https://idp.example.com/a?code_challenge=x",
                "has a parameter code_challenge of"
            ),
            (
                "authorization_endpoint",
                .string("https://idp.example.com/a?" + String(repeating: "a&", count: 300) + "scope=x"),
                "has a parameter scope of its own"
            ),
            ("token_endpoint", "https://user:secret@idp.example.com/token", "has no plain host and port"),
            ("token_endpoint", "https:///token", "has no plain host and port"),
            ("token_endpoint", "https://idp.example.com:99999/", "has no plain host and port"),
            ("token_endpoint", "/token", "is not an absolute https URL"),
            ("token_endpoint", ["https://idp.example.com/token"], "its token_endpoint is an array, not a string"),
            ("jwks_uri", nil, "it has no jwks_uri"),
            ("jwks_uri", "file:///etc/passwd", "its jwks_uri is not an absolute https URL"),
            (
                "authorization_response_iss_parameter_supported", "false",
                "its authorization_response_iss_parameter_supported is a string, not true or false"
            ),
        ] as [(String, JSONValue?, String)])
    func anUnusableDocumentIsRejected(name: String, value: JSONValue?, problem: String) {
        do throws(OpenIDMetadataError) {
            _ = try parse([(name, value)])
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains(problem))
        }
    }

    @Test func theHintOfAnotherIssuerHoldsNothingElseOfTheDocument() {
        let long = "https://evil.example/" + String(repeating: "x", count: 400)
        do throws(OpenIDMetadataError) {
            _ = try parse([("issuer", .string(long))])
            Issue.record("accepted")
        } catch {
            #expect(error.description == "its issuer is not the configured one, and is not readable")
        }
    }

    @Test(arguments: ["userinfo_endpoint", "end_session_endpoint"])
    func anUnusableOptionalEndpointIsLeftOut(name: String) throws {
        let metadata = try parse([(name, "http://idp.example.com/x")])
        #expect((name == "userinfo_endpoint" ? metadata.userInfoEndpoint : metadata.endSessionEndpoint) == nil)
        #expect(metadata.ignored == ["its \(name) is not https"])
    }

    @Test(arguments: [
        ("userinfo_endpoint", "https://127.0.0.1/x", "is on the gate's own machine or link, and the issuer is not"),
        (
            "end_session_endpoint", "https://idp.example.com/end?post_logout_redirect_uri=x",
            "has a parameter post_logout_redirect_uri of its own, which each request sets"
        ),
    ])
    func anOptionalEndpointWithAFaultIsLeftOut(name: String, url: String, problem: String) throws {
        let metadata = try parse([(name, .string(url))])
        #expect((name == "userinfo_endpoint" ? metadata.userInfoEndpoint : metadata.endSessionEndpoint) == nil)
        #expect(metadata.ignored == ["its \(name) \(problem)"])
    }

    /// Browsers are sent there, not the gate; private networks are where many providers are.
    @Test(arguments: [
        ("authorization_endpoint", "https://localhost/a"),
        ("authorization_endpoint", "https://idp.example.com/a?State=x"),
        ("end_session_endpoint", "https://127.0.0.1/x?a=b"), ("token_endpoint", "https://10.0.0.1/x"),
        ("jwks_uri", "https://[fd00::1]/x"), ("token_endpoint", "https://notlocalhost/x"),
    ])
    func theseAreUsed(name: String, url: String) throws {
        #expect(try parse([(name, .string(url))]).ignored == [])
    }

    @Test(arguments: ["https://localhost:8443", "https://127.0.0.1", "https://[::1]/x", "https://169.254.0.9"])
    func anIssuerOnThisMachineHasItsEndpointsThere(base: String) throws {
        let metadata = try parse(
            [
                ("issuer", .string(base)), ("token_endpoint", "https://127.0.0.1:1/t"),
                ("jwks_uri", "https://localhost/k"),
            ], issuer: base)
        #expect(metadata.tokenEndpoint == "https://127.0.0.1:1/t")
    }

    @Test(arguments: [
        "http://localhost:8080", "http://127.0.0.1:8080/x", "http://[::1]:8080", "http://idp.localhost:1",
    ])
    func plainHTTPStaysOnThisMachine(base: String) throws {
        let metadata = try parse(
            [
                ("issuer", .string(base)), ("authorization_endpoint", .string(base + "/a")),
                ("token_endpoint", .string(base + "/t")), ("jwks_uri", .string(base + "/k")),
            ], issuer: base)
        #expect(metadata.tokenEndpoint == base + "/t")
    }

    @Test(arguments: [
        ("", "it is not usable JSON"), ("[]", "it is an array, not an object"), ("<html>", "it is not usable JSON"),
        (#"{"issuer": "a", "issuer": "b"}"#, "a duplicate name"), ("\u{feff}{}", "a byte order mark"),
        ("{} {}", "it is not usable JSON"),
    ])
    func whatIsNoDocumentIsRejected(text: String, problem: String) {
        do throws(OpenIDMetadataError) {
            _ = try OpenIDMetadata(document: Array(text.utf8), issuer: Self.issuer)
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains(problem))
        }
    }

    @Test func aHugeDocumentIsRejected() {
        let text = "{\"x\": \"" + String(repeating: "x", count: OpenIDMetadata.maximumDocumentSize) + "\"}"
        #expect(throws: OpenIDMetadataError("it is too large")) {
            try OpenIDMetadata(document: Array(text.utf8), issuer: Self.issuer)
        }
    }

    @Test func theDocumentIsBelowTheIssuer() {
        let place = "https://idp.example.com/a/.well-known/openid-configuration"
        #expect(OpenIDMetadata.documentURL(of: "https://idp.example.com/a") == place)
        #expect(OpenIDMetadata.documentURL(of: "https://idp.example.com/a/") == place)
    }
}
