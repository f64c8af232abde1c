// SPDX-License-Identifier: Apache-2.0

import Gate
import JWT
import Outbound
import Reactor
import Sidecar
import TestSupport
import Testing

@Suite("Discovery documents and their keys are fetched", .timeLimit(.minutes(5)))
struct OpenIDProvidersTests {
    @Test("document and keys are fetched at the start and put into force together")
    func start() async throws {
        let heads = Mailbox<String>()
        let bench = try OpenIDBench([
            "/keys": { connection, head, _ in
                heads.send(head)
                try connection.answer(200, OpenIDBench.keySet("one"))
            }
        ])
        bench.providers.start()
        #expect(try await bench.applied.next() == ["token", "one"])
        #expect(try await heads.next().hasPrefix("GET /keys HTTP/1.1\r\n"))
        #expect(try await bench.ended.next(2) == ["staff discovery true", "staff keys true"])
        #expect(bench.log.text.contains("discovery document fetched"))
    }

    @Test("starting waits for nothing, and codes are refused until the provider is known")
    func slow() async throws {
        let goOn = Barrier()
        let bench = try OpenIDBench([
            OpenIDBench.documentPath: { connection, head, _ in
                goOn.wait()
                try connection.answer(200, OpenIDBench.document(try Self.issuer(in: head)))
            }
        ])
        bench.providers.start()
        let early = try await bench.exchange()
        guard case .unavailable(let detail) = early else {
            Issue.record("\(early)")
            return
        }
        #expect(detail.hasPrefix("the provider's discovery document is not known; fix: "))
        let refreshed = Mailbox<Bool>()
        bench.providers.refresh(["staff"], isProven: false) { refreshed.send(true) }
        #expect(bench.applied.isEmpty && refreshed.isEmpty)
        goOn.open()
        #expect(try await bench.applied.next() == ["token", "one"])
        #expect(try await refreshed.next())
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let cause: String
        let answer: @Sendable (Connection) throws -> Void
    }

    @Test("an unusable document is logged, and fetched again", arguments: failures)
    func failure(_ row: Failure) async throws {
        let requests = Count()
        let bench = try OpenIDBench([
            OpenIDBench.documentPath: { connection, head, _ in
                guard requests.increment() > 0 else { return try row.answer(connection) }
                try connection.answer(200, OpenIDBench.document(try Self.issuer(in: head)))
            }
        ])
        bench.providers.start()
        #expect(try await bench.ended.next() == "staff discovery false")
        try await bench.log.wait(for: row.cause)
        #expect(try await bench.applied.next() == ["token", "one"])
    }

    static let failures: [Failure] = [
        Failure(testDescription: "an error", cause: "status 500") { try $0.answer(500, "") },
        Failure(testDescription: "a redirect", cause: "status 302") {
            try $0.answer(302, "", "Location: http://127.0.0.1:1/\r\n")
        },
        Failure(testDescription: "nothing", cause: "closed before") { _ in },
        Failure(testDescription: "no JSON", cause: "not usable JSON") { try $0.answer(200, "<html>") },
        Failure(testDescription: "another issuer", cause: "its issuer is https://evil.example") {
            try $0.answer(200, OpenIDBench.document("https://evil.example"))
        },
        Failure(testDescription: "more than any document has", cause: "too large") {
            try $0.write("HTTP/1.1 200 OK\r\nContent-Length: 6000000\r\n\r\n{")
            $0.waitForEnd()
        },
        Failure(testDescription: "a document that does not end", cause: "no complete answer in time") {
            try $0.write("HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n{")
            $0.waitForEnd()
        },
    ]

    @Test("a provider whose keys cannot be fetched is known without them, until they can be")
    func noKeys() async throws {
        let requests = Count()
        let bench = try OpenIDBench([
            "/keys": { connection, _, _ in
                guard requests.increment() > 0 else { return try connection.answer(500, "") }
                try connection.answer(200, OpenIDBench.keySet("one"))
            }
        ])
        bench.providers.start()
        #expect(try await bench.applied.next() == ["token"])
        #expect(try await bench.applied.next() == ["token", "one"])
        #expect(requests.now == 2)
    }

    @Test("a shared secret among the keys verifies nothing, even where its algorithm is allowed")
    func sharedSecret() async throws {
        let requests = Count()
        let bench = try OpenIDBench([
            "/keys": { connection, _, _ in
                guard requests.increment() == 0 else { return try connection.answer(200, OpenIDBench.keySet("one")) }
                let key = "{\"kty\":\"oct\",\"kid\":\"s\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}"
                try connection.answer(200, "{\"keys\":[\(key)]}")
            }
        ])
        bench.providers.start()
        #expect(try await bench.applied.next() == ["token"])
        try await bench.log.wait(for: "none of its keys can be used")
        #expect(try await bench.applied.next() == ["token", "one"])
    }

    @Test("a new key is in force before those who waited for it continue")
    func rotation() async throws {
        let requests = Count()
        let bench = try OpenIDBench([
            "/keys": { connection, _, _ in
                try connection.answer(200, OpenIDBench.keySet(requests.increment() == 0 ? "old" : "new"))
            }
        ])
        bench.providers.start()
        #expect(try await bench.applied.next() == ["token", "old"])
        try await bench.refresh()
        #expect(!bench.applied.isEmpty)
        #expect(try await bench.applied.next() == ["token", "new"])
    }

    @Test("each of several rotations in a row is found by those who sign in, whatever strangers have asked for")
    func rotations() async throws {
        let requests = Count()
        let bench = try OpenIDBench([
            "/keys": { connection, _, _ in
                try connection.answer(200, OpenIDBench.keySet("key \(requests.increment())"))
            }
        ])
        bench.providers.start()
        #expect(try await bench.applied.next() == ["token", "key 0"])
        try await bench.refresh()
        #expect(try await bench.applied.next() == ["token", "key 1"])
        for number in 2..<7 {
            try await bench.refresh(isProven: true)
            #expect(try await bench.applied.next() == ["token", "key \(number)"])
        }
        try await bench.refresh()
        #expect(bench.applied.isEmpty && requests.now == 7)
    }

    @Test("keys that have moved are found by the document")
    func movedKeys() async throws {
        let (documents, requests) = (Count(), Count())
        let bench = try OpenIDBench([
            OpenIDBench.documentPath: { connection, head, _ in
                let place: JSONValue = documents.increment() == 0 ? "/keys" : "/moved"
                try connection.answer(200, OpenIDBench.document(try Self.issuer(in: head), ["jwks_uri": place]))
            },
            "/keys": { connection, _, _ in
                guard requests.increment() == 0 else { return try connection.answer(404, "") }
                try connection.answer(200, OpenIDBench.keySet("old"))
            },
            "/moved": { connection, _, _ in try connection.answer(200, OpenIDBench.keySet("new")) },
        ])
        bench.providers.start()
        #expect(try await bench.applied.next() == ["token", "old"])
        try await bench.refresh()
        // The new document with the keys that are known, then the new keys.
        #expect(try await bench.applied.next() == ["token", "old"])
        #expect(try await bench.applied.next() == ["token", "new"])
    }

    @Test("an outage after the start changes nothing")
    func outage() async throws {
        let isAway = Count()
        let bench = try OpenIDBench([
            "/keys": { connection, _, _ in
                guard isAway.now == 0 else { return }
                try connection.answer(200, OpenIDBench.keySet("one"))
            },
            "/token": { connection, _, _ in
                try connection.answer(200, #"{"token_type":"Bearer","id_token":"a.b.c"}"#)
            },
        ])
        let good = CodeExchangeResult.tokens(idToken: Array("a.b.c".utf8), accessToken: nil, userInfo: nil)
        #expect(try await bench.redeem() == good)
        isAway.increment()
        try await bench.refresh()
        #expect(try await bench.exchange() == good)
    }

    @Test("another configuration keeps what was fetched for the same issuer")
    func takeOver() async throws {
        let requests = Count()
        let bench = try OpenIDBench([
            OpenIDBench.documentPath: { connection, head, _ in
                requests.increment()
                try connection.answer(200, OpenIDBench.document(try Self.issuer(in: head)))
            }
        ])
        bench.providers.start()
        #expect(try await bench.applied.next() == ["token", "one"])
        let known = try await bench.replaced(name: "renamed")
        #expect(known.map(\.name) == ["renamed"])
        #expect(known.first?.keys.keys.map(\.keyID) == ["one"])
        #expect(requests.now == 1)
        // Another issuer's document is not this one's.
        #expect(try await bench.replaced(name: "staff", issuer: bench.issuer + "/other").isEmpty)
    }

    /// The issuer that a request for a document was meant for.
    private static func issuer(in head: String) throws -> String {
        let host = head.split(separator: "\r\n").first { $0.hasPrefix("Host: ") }
        return "http://" + (try #require(host)).dropFirst(6)
    }
}
