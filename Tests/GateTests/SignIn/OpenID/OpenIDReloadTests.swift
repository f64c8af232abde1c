// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

/// An attempt to sign in, and a configuration that changes before the browser is back.
@Suite struct OpenIDReloadTests {
    /// The gate of a configuration in which the same name stands for this provider.
    private func gate(issuer: String = OpenIDStage.issuer, clientID: String = "app", name: String = "") throws
        -> Gate
    {
        let stage = try OpenIDStage { openID, configuration in
            openID.issuer = issuer
            openID.clientID = clientID
            configuration.provider.name = name
        }
        return try #require(stage.browser.gates.first)
    }

    @Test(arguments: [("https://other.example", "app"), (OpenIDStage.issuer, "other")])
    func anAttemptAtAnotherProviderOfThatNameIsRefused(issuer: String, clientID: String) throws {
        let stage = try OpenIDStage()
        let redirect = try stage.browser.get("/deep")
        stage.browser.gates = [try gate(issuer: issuer, clientID: clientID)]
        let refused = try #require(stage.returned(redirect).answer)
        #expect(refused.status == 403 && refused.reason == "login_state_missing")
        #expect(refused.body.contains("/.sidegate/login"), "a way to sign in again")
        #expect(stage.exchanges.isEmpty, "the code goes to no other provider")
    }

    @Test func anErrorOfItIsNotTakenForTheNewOnes() throws {
        let stage = try OpenIDStage()
        let state = stage.state(try stage.browser.get("/"))
        stage.browser.gates = [try gate(issuer: "https://other.example")]
        let refused = try stage.browser.get("/.sidegate/callback?error=access_denied&state=\(state)").answer
        #expect(refused?.reason == "login_state_missing")
    }

    /// Of a long target, whose cookies are written by another way.
    @Test(arguments: ["/deep", "/" + String(repeating: "x", count: 3000)])
    func theSameProviderGoesOn(target: String) throws {
        let stage = try OpenIDStage()
        let redirect = try stage.browser.get(target)
        stage.browser.gates = [try gate()]
        #expect(try stage.returned(redirect).answer?.location == target)
        #expect(stage.exchanges.count == 1)
        let late = try OpenIDStage()
        let lateRedirect = try late.browser.get(target)
        late.browser.gates = [try gate(issuer: "https://other.example")]
        #expect(try late.returned(lateRedirect).answer?.reason == "login_state_missing")
        #expect(late.exchanges.isEmpty)
    }

    /// A reload that makes the only provider the first of a list.
    @Test func theOnlyProviderMayGetAName() throws {
        let stage = try OpenIDStage()
        let redirect = try stage.browser.get("/deep")
        stage.browser.gates = [try gate(name: "staff")]
        #expect(try stage.returned(redirect).answer?.location == "/deep")
    }
}
