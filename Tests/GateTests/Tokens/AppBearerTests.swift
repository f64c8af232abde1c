// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import JWT
import Testing

@Suite("An app's own bearer tokens")
struct AppBearerTests {
    private static func open(_ configuration: inout GateConfiguration) throws {
        configuration.access.rules = [AccessRule(paths: [try RulePath("/open/*")], effect: .anyone)]
    }

    private static func theirs() throws -> [String] {
        [
            "Bearer abc", "Bearer " + (try token(secret: Array("a secret of the app's, of 32 bytes".utf8))),
            "bearer a.b.c", "Bearer  gho_0123456789",
        ]
    }

    @Test("reach the app for guests and on open paths")
    func pass() throws {
        for value in try Self.theirs() {
            let guest = try Browser { $0.access.default = .guest }
            let atHome = try guest.get("/api", "Authorization: \(value)", "Accept: application/json")
            #expect(atHome.head?.contains("Authorization: \(value)\r\n") == true && atHome.user == nil)
            let opened = try Browser(Self.open).get("/open/api", "Authorization: \(value)")
            #expect(opened.head?.contains("Authorization: \(value)\r\n") == true && opened.user == nil)
        }
    }

    @Test("are refused as before where a session is needed")
    func refused() throws {
        for value in try Self.theirs() {
            #expect(try Browser().get("/api", "Authorization: \(value)").answer?.status == 401)
            let ruled = try Browser {
                $0.access.default = .guest
                $0.access.rules = [AccessRule(paths: [try RulePath("/admin/*")], effect: .signedIn([]))]
            }
            #expect(try ruled.get("/admin/x", "Authorization: \(value)").answer?.status == 401)
        }
    }

    @Test("the provider's never reach the app, however old they are")
    func ours() throws {
        for jwt in [try token(at: noon - 9000), try token(at: noon + 9000), try token("ada", [("aud", "another")])] {
            let guest = try Browser { $0.access.default = .guest }
            #expect(try guest.get("/api", "Authorization: Bearer \(jwt)").answer?.status == 401)
            let opened = try Browser(Self.open).get("/open/api", "Authorization: Bearer \(jwt)")
            #expect(opened.head?.contains("Authorization") == false)
            let observed = try Browser { $0.access.mode = .observe }.get("/api", "Authorization: Bearer \(jwt)")
            #expect(observed.head?.contains("Authorization") == false)
        }
        let good = try token()
        let guest = try Browser { $0.access.default = .guest }
        #expect(try guest.get("/api", "Authorization: Bearer \(good)").user == "ada")
    }

    @Test("of more than a few, one may be the provider's")
    func several() throws {
        let guest = try Browser { $0.access.default = .guest }
        let fields = Array(repeating: "Authorization: Bearer a.b.c", count: 4)
        #expect(try guest.send("GET", "/api", fields).answer == nil)
        #expect(try guest.send("GET", "/api", fields + ["Authorization: Bearer \(try token())"]).answer?.status == 401)
        #expect(try guest.send("GET", "/api", fields + fields).answer?.status == 401)
    }

    @Test("with bearer tokens off, Authorization is the app's")
    func off() throws {
        let guest = try Browser {
            $0.access.default = .guest
            $0.provider.bearer = false
        }
        #expect(try guest.get("/api", "Authorization: Bearer x").head?.contains("Authorization: Bearer x") == true)
    }

    @Test("keys are fetched once for a token that they might have signed")
    func remoteKeys() throws {
        let guest = try Browser {
            $0.access.default = .guest
            $0.provider.hasRemoteKeys = true
        }
        var count = 0
        guest.fetchKeys = { _ in count += 1 }
        let jwt = try token(secret: Array("a secret of the app's, of 32 bytes".utf8))
        #expect(try guest.get("/api", "Authorization: Bearer \(jwt)").head?.contains("Authorization: Bearer") == true)
        #expect(count == 1)
    }
}
